import type { ChannelKindName } from "#shared/channels/channel-kinds";
import { discord } from "./discord.ts";
import type { HttpKind } from "./http-kind.ts";
import { matrix } from "./matrix.ts";
import { ntfy } from "./ntfy.ts";
import { pushover } from "./pushover.ts";
import { slack } from "./slack.ts";
import { teams } from "./teams.ts";
import { telegram } from "./telegram.ts";
import { webhook } from "./webhook.ts";

/** Every kind of channel that is asked over HTTP. */
export const httpKinds: Readonly<Record<Exclude<ChannelKindName, "email" | "mqtt">, HttpKind>> = {
  webhook,
  ntfy,
  slack,
  discord,
  teams,
  telegram,
  pushover,
  matrix,
};
