/** Has the browser keep the page's own files, so that it can be installed, opens without the console and is told of alerts. Where that cannot be, all else works. */
export async function keepShell(): Promise<ServiceWorkerRegistration | undefined> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return undefined;
  return navigator.serviceWorker.register("/service-worker.js").catch(() => undefined);
}
