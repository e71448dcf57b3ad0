// The page's own files, so that it opens without the console and says that it is away. Never anything that the console tells: that would be
// out of date, and somebody else's after the next login. `build` puts the names in.
const version = "__VERSION__";
const shell = __SHELL__;
const prefix = "muster-shell-";
const cacheName = prefix + version;

// Each version has a cache of its own, and takes over at once: an index of one with files of another would be no page.
addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(cacheName);
      await cache.addAll(shell.map((path) => new Request(path, { cache: path === "/" ? "no-cache" : "default" })));
      await skipWaiting();
    })(),
  );
});

addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== cacheName);
      await Promise.all(old.map((name) => caches.delete(name)));
      await clients.claim();
    })(),
  );
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  // The newest page that there is, always; the kept one only where the console does not answer.
  if (request.mode === "navigate" && !/^\/(api|login|join|metrics|healthz)\b/.test(pathname))
    event.respondWith(fetch(request).catch(async () => (await caches.match("/")) ?? Response.error()));
  else if (pathname !== "/" && shell.includes(pathname))
    event.respondWith(caches.match(pathname).then((found) => found ?? fetch(request)));
});

// What the console has encrypted for this browser alone. A browser shows something of its own, and in the end pushes no more, where a push
// shows nothing.
addEventListener("push", (event) => {
  event.waitUntil(
    (async () => {
      const { title, body, tag, path, at, again } = read(event.data);
      const icon = "/icon-192.png";
      // A later word of one alert takes the place of an earlier one, and its end makes no sound.
      await registration.showNotification(title, { body, tag, icon, timestamp: at, renotify: again, data: { path } });
    })(),
  );
});

function read(data) {
  try {
    return data.json();
  } catch {
    return {
      title: "Muster",
      body: "Something has come that cannot be read.",
      tag: "unread",
      path: "/alerts",
      again: false,
    };
  }
}

// In a window of its own: in one that is open somebody may have begun to write.
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(
    (async () => {
      const { href } = new URL(event.notification.data?.path ?? "/alerts", location.origin);
      const open = await clients.matchAll({ type: "window" });
      await (open.find(({ url }) => url === href)?.focus() ?? clients.openWindow(href));
    })(),
  );
});
