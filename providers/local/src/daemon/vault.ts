import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { ProviderError } from '@clusternator/core/provider';
import { codeOf } from '../control/failure.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals what must not be readable in the database. AES-256-GCM with a key in a file of mode 0600. */
export class Vault {
  readonly #key: Buffer;

  private constructor(key: Buffer) {
    this.#key = key;
  }

  /** Makes the key if there is none. @throws ProviderError `internal` (the key file is damaged). */
  static open(file: string): Vault {
    const key = readKey(file) ?? makeKey(file);
    if (key.length !== 32) {
      throw new ProviderError(
        'internal',
        `the key file ${file} is damaged: it has ${String(key.length)} bytes, not 32`,
        {
          hint: 'restore it from a backup; without it, destroy the environments that have secrets and make them again',
        },
      );
    }
    return new Vault(key);
  }

  /** @param context - What the value belongs to: it can be opened under the same one alone. */
  seal(plain: string, context: string): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  /** @throws ProviderError `internal` (sealed with another key or for another context). */
  open(sealed: Uint8Array, context: string): string {
    const bytes = Buffer.from(sealed);
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch (cause) {
      throw new ProviderError(
        'internal',
        `the secrets of ${context} can't be opened: the key file is not the one they were sealed with`,
        {
          cause,
          hint: 'destroy the environment and make it again',
        },
      );
    }
  }
}

function readKey(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The file appears with its whole content or not at all. */
function makeKey(file: string): Buffer {
  const key = randomBytes(32);
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, key);
    fsyncSync(handle);
    linkSync(draft, file);
  } finally {
    closeSync(handle);
    rmSync(draft, { force: true });
  }
  return key;
}
