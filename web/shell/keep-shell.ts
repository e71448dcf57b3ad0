/** Has the browser keep the page's own files, so that it can be installed and opens without the console. Where that cannot be, all else works. */
export function keepShell(): void {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  void navigator.serviceWorker.register("/service-worker.js").catch(() => {});
}
