/** A broker's URL taken apart: MQTT sends user and password beside the address, and no log shall show them. */
export interface BrokerLogin {
  /** Without user and password. */
  readonly url: string;
  /** Empty where the URL has none. */
  readonly username: string;
  readonly password: string;
}

/** @param url such as `mqtt://user:password@host:1883`, checked before */
export function brokerLogin(url: string): BrokerLogin {
  const parts = new URL(url);
  const username = decodeURIComponent(parts.username);
  const password = decodeURIComponent(parts.password);
  parts.username = "";
  parts.password = "";
  return { url: parts.href.replace(/\/$/, ""), username, password };
}
