import { t } from "../language/text.ts";
/** One store with one entry: the pair of keys, whose private half no script can read, only use. */
const [database, store, entry] = ["muster-signing", "keys", "own"];

/** The pair that this browser keeps for this address; undefined where it has none. */
export async function readKeys(): Promise<CryptoKeyPair | undefined> {
  return (await within("readonly", (keys) => keys.get(entry))) as CryptoKeyPair | undefined;
}

export async function writeKeys(pair: CryptoKeyPair): Promise<void> {
  await within("readwrite", (keys) => keys.put(pair, entry));
}

async function within(mode: IDBTransactionMode, act: (keys: IDBObjectStore) => IDBRequest): Promise<unknown> {
  const opening = indexedDB.open(database, 1);
  opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(store));
  const opened = (await ended(opening)) as IDBDatabase;
  try {
    return await ended(act(opened.transaction(store, mode).objectStore(store)));
  } finally {
    opened.close();
  }
}

function ended(request: IDBRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error(t("the browser's store failed"))));
  });
}
