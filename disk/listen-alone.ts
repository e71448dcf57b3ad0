import type { Server } from "node:net";

/** What Node's servers are listened with in the end, by `listen` and by whom it asks before. */
interface Listening {
  readonly _listen2?: (path: string, port: -1, family: -1, backlog: number) => void;
}

/** What `listen` has unless it is told. */
const backlog = 511;

/**
 * Has a server listen on a socket's path, as `listen` does. That loads node:cluster, to ask whether this process is one of several, and with it what begins processes
 * and sends datagrams: 0.7 MB of an agent, which is never one of several. Where a Node has its inner door no more, `listen` it is.
 */
export function listenAlone(server: Server, path: string): void {
  const { _listen2: listen } = server as Listening;
  if (listen) listen.call(server, path, -1, -1, backlog);
  else server.listen({ path, exclusive: true });
}
