/** Bytes of one answer of an identity provider, unpacked: its own description and its keys have some 10 KB. */
export const maxProviderBytes = 256 * 1024;

/** Fetches as the global one does, but nothing larger than {@link maxProviderBytes}, and not from where it is led on to. */
export async function boundedFetch(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...options, redirect: "manual" });
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > maxProviderBytes) throw new Error(`${url} answers with more than ${maxProviderBytes} bytes`);
    parts.push(part);
  }
  const { status, statusText, headers } = response;
  return new Response(bytes === 0 ? null : Buffer.concat(parts), { status, statusText, headers });
}
