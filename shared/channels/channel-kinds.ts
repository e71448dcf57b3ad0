/** One setting of a channel, with all that is known of it: the console checks by it, the page draws a form of it. Values are text. */
export interface ChannelField {
  readonly title: string;
  readonly help?: string;
  /** `text` unless said; `block` has several lines. */
  readonly type?: "text" | "block" | "url" | "port";
  readonly choices?: readonly string[];
  /** Addresses of mail, with commas between. */
  readonly addresses?: true;
  readonly needed?: true;
  /** It is never told again; of an address its host alone is. */
  readonly secret?: true;
  /** It says to whom the secrets are sent: where it changes, they have to be given anew. */
  readonly where?: true;
  readonly default?: string;
  /** Characters at most. */
  readonly most?: number;
}

export interface ChannelKind {
  readonly title: string;
  readonly fields: Readonly<Record<string, ChannelField>>;
}

/** Characters of a setting that says nothing else. */
export const maxChannelText = 500;
/** Characters of a template, and of certificates. */
export const maxChannelBlock = 16_384;

/** Addresses that an e-mail channel writes to. */
export const maxRecipients = 20;

const ca: ChannelField = {
  title: "Certificate authority",
  help: "PEM of the authorities that its certificate may come from; the system's where it is left out",
  type: "block",
  most: maxChannelBlock,
};
const server = (address: string): ChannelField => ({
  title: "Server",
  type: "url",
  default: address,
  where: true,
  help: `another one than ${address}`,
});
const hook = (help: string): ChannelField => ({
  title: "Webhook's address",
  type: "url",
  needed: true,
  secret: true,
  where: true,
  help,
  most: 2_000,
});

/** Every kind of channel with its settings. */
export const channelKinds = {
  email: {
    title: "E-mail",
    fields: {
      host: { title: "Mail server", needed: true, where: true },
      port: { title: "Port", type: "port", default: "587", where: true },
      security: {
        title: "TLS",
        choices: ["starttls", "tls", "none"],
        default: "starttls",
        where: true,
        help: "starttls is demanded and not only tried; none is for a server on the same machine",
      },
      user: { title: "User" },
      password: { title: "Password", secret: true },
      from: {
        title: "Sender",
        needed: true,
        addresses: true,
        help: "an address, or a name and an address: Muster <muster@example.com>",
      },
      to: {
        title: "To",
        needed: true,
        addresses: true,
        help: "one address or several, with commas between",
        most: 2_000,
      },
      ca,
    },
  },
  webhook: {
    title: "Webhook",
    fields: {
      url: hook("gets each notice by POST"),
      method: { title: "Method", choices: ["POST", "PUT"], default: "POST" },
      secret: {
        title: "Secret for signatures",
        secret: true,
        help: "whsec_ and base64, or any text: signed as Standard Webhooks has it",
      },
      authorization: { title: "Authorization", secret: true, help: "the header's whole value: Bearer …" },
      type: {
        title: "Type of the body",
        choices: ["application/json", "text/plain", "application/x-www-form-urlencoded"],
        default: "application/json",
      },
      body: {
        title: "Template of the body",
        type: "block",
        help: 'with names in double braces: {"text":"{{title}}","room":"{{labels.room}}"}; the notice as JSON where it is left out',
        most: maxChannelBlock,
      },
      ca,
    },
  },
  ntfy: {
    title: "ntfy",
    fields: {
      server: server("https://ntfy.sh"),
      topic: { title: "Topic", needed: true, secret: true, help: "who knows it may read it", most: 64 },
      token: { title: "Access token", secret: true },
      ca,
    },
  },
  slack: { title: "Slack", fields: { url: hook("an incoming webhook's: https://hooks.slack.com/services/…") } },
  discord: { title: "Discord", fields: { url: hook("of a channel: https://discord.com/api/webhooks/…") } },
  teams: {
    title: "Microsoft Teams",
    fields: { url: hook("of a workflow that posts to a channel when a webhook request is received") },
  },
  telegram: {
    title: "Telegram",
    fields: {
      server: server("https://api.telegram.org"),
      token: { title: "Bot's token", needed: true, secret: true, help: "from @BotFather" },
      chat: { title: "Chat", needed: true, help: "its number, or @channel" },
      thread: { title: "Topic's number", help: "in a group with topics" },
    },
  },
  pushover: {
    title: "Pushover",
    fields: {
      server: server("https://api.pushover.net"),
      token: { title: "Application's token", needed: true, secret: true },
      user: { title: "User's or group's key", needed: true, secret: true },
      device: { title: "Device", help: "all of the user's where it is left out" },
    },
  },
  matrix: {
    title: "Matrix",
    fields: {
      server: { title: "Homeserver", type: "url", needed: true, where: true },
      token: { title: "Access token", needed: true, secret: true },
      room: { title: "Room", needed: true, help: "its id: !abc:example.com" },
      ca,
    },
  },
  mqtt: { title: "MQTT topic", fields: {} },
} as const satisfies Readonly<Record<string, ChannelKind>>;

export type ChannelKindName = keyof typeof channelKinds;

/** The kind of this name; undefined where there is none. */
export function channelKindOf(name: string): ChannelKind | undefined {
  return Object.hasOwn(channelKinds, name) ? channelKinds[name as ChannelKindName] : undefined;
}
