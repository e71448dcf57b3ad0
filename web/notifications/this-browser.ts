import { t } from "../language/text.ts";
import { keepShell } from "../shell/keep-shell.ts";
import { client } from "../state/page-client.ts";
import { browserKept } from "../state/session-state.ts";
import { browserName } from "./browser-name.ts";

/** Why notices cannot be had in this browser, and what to do; undefined where they can. */
export function whyNoPush(): string | undefined {
  if (!isSecureContext)
    return t(
      "Browsers take notices only from a page that came over HTTPS, or from localhost: open this page by its https:// address.",
    );
  const isApple = /iPhone|iPad|iPod/.test(navigator.userAgent);
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window))
    return isApple
      ? t(
          "On iPhone and iPad add this page to the home screen (Share, then Add to Home Screen), and open it from there.",
        )
      : t("This browser offers no notices from pages: use another one, or a channel.");
  if (Notification.permission === "denied")
    return t(
      "Notices of this page are blocked in this browser: allow them in its settings for this site, and load the page anew.",
    );
  return undefined;
}

/** The console's id of this browser; undefined where it has not subscribed. */
export async function thisBrowser(): Promise<string | undefined> {
  const subscription = await subscribed();
  return subscription && idOf(subscription.endpoint);
}

/** Has this browser told of alerts, once its person allows it. @throws Error with the reason */
export async function switchOn(): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted")
    throw new Error(t("This browser was not allowed to show notices: allow them when it asks, and try again."));
  const registration = await keepShell();
  if (!registration)
    throw new Error(t("The part of this page that shows notices could not be started: load the page anew."));
  await navigator.serviceWorker.ready;
  // One of before may be of another console's key, and its address of nobody's.
  await switchOff();
  const { key } = await client.listBrowsers();
  const { endpoint, keys } = await subscribe(registration, key);
  const { p256dh = "", auth = "" } = keys ?? {};
  const { id } = await client.addBrowser({
    name: browserName(navigator.userAgent),
    endpoint: endpoint ?? "",
    keys: { p256dh, auth },
  });
  localStorage.setItem(browserKept, id);
}

async function subscribe(registration: ServiceWorkerRegistration, key: string): Promise<PushSubscriptionJSON> {
  try {
    const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    return subscription.toJSON();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      t(
        "This browser could not subscribe at its maker's push service: {reason}. See that it may be reached from here, and is not switched off in the browser.",
        {
          reason: reason.replace(/\.$/, ""),
        },
      ),
      { cause: error },
    );
  }
}

/** Has this browser told no more; where it was not, nothing happens. */
export async function switchOff(): Promise<void> {
  const subscription = await subscribed();
  if (!subscription) return;
  const id = await idOf(subscription.endpoint);
  localStorage.removeItem(browserKept);
  await Promise.all([subscription.unsubscribe(), client.removeBrowser(id).catch(() => {})]);
}

async function subscribed(): Promise<PushSubscription | undefined> {
  const registration = await navigator.serviceWorker?.getRegistration();
  return (await registration?.pushManager?.getSubscription()) ?? undefined;
}

/** As the console makes it. */
async function idOf(endpoint: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return btoa(String.fromCharCode(...new Uint8Array(hash)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .slice(0, 22);
}
