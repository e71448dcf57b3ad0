import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { asError, BadInputError, EnvironmentError, errorCode } from "#shared/errors";
import { publicKeyOf, type PublicKey } from "#shared/signing/public-key";
import { secretFrom } from "#shared/secret-input";
import { replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Signer } from "../../cli/sign-command.ts";

/** The flags of verbs that sign. */
export interface SigningFlags {
  readonly sign?: string;
  readonly passphraseFile?: string;
}

const passphraseFlag = "--passphrase";

/** Makes a key of a person, in a file for this user alone. @throws BadInputError where there is a file already */
export function makeKey(path: string, comment: string, passphrase: string | undefined): PublicKey {
  const publicPath = `${path}.pub`;
  for (const one of [path, publicPath])
    if (existsSync(one))
      throw new BadInputError(`${one} is there already, and is not written over: give another --out`);
  const { privateKey } = generateKeyPairSync("ed25519");
  const made = publicKeyOf(privateKey, comment);
  const locked = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  replaceFile(path, String(privateKey.export({ format: "pem", type: "pkcs8", ...locked })));
  replaceFile(publicPath, `${made.line}\n`);
  return made;
}

/** The key that the flags name; undefined where they name none. @throws BadInputError, EnvironmentError with what to do */
export async function signerOf({ sign, passphraseFile }: SigningFlags): Promise<Signer | undefined> {
  if (sign === undefined) return undefined;
  const pem = readKeyFile(sign);
  const isLocked = pem.includes("ENCRYPTED");
  const passphrase = isLocked
    ? await secretFrom({
        flag: passphraseFlag,
        value: passphraseFile === undefined ? true : undefined,
        file: passphraseFile,
        known: true,
      })
    : undefined;
  const key = readKey(sign, pem, passphrase);
  return { key, public: publicKeyOf(key, "") };
}

function readKeyFile(path: string): string {
  try {
    const text = readRegularFile(path, maxSmallFileBytes).toString("latin1");
    const mode = statSync(path).mode & 0o777;
    if (process.getuid === undefined || !(mode & 0o077)) return text;
    throw new EnvironmentError(
      `${path} can be read by others than its owner (${mode.toString(8)}): whoever has had it can sign as you. Close it (chmod 600 '${path}'), or make another key with muster keygen`,
    );
  } catch (thrown) {
    if (errorCode(thrown) !== "ENOENT") throw thrown;
    throw new BadInputError(`there is no key file ${path}: muster keygen --out ${path} makes one`);
  }
}

function readKey(path: string, pem: string, passphrase: string | undefined): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: "pem", ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (thrown) {
    const why = passphrase === undefined ? asError(thrown).message : "its passphrase is another one";
    throw new BadInputError(`the key in ${path} cannot be read: ${why}`);
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw new BadInputError(
    `the key in ${path} is of ${key.asymmetricKeyType ?? "no known kind"}: expected ed25519, as muster keygen makes`,
  );
}
