/** What a worker thread does with a tree. `list`: the file of its checksums. */
export type Task =
  | { readonly kind: 'seal'; readonly folder: string; readonly list: string | undefined }
  | { readonly kind: 'damaged'; readonly folder: string; readonly list: string };

export type Answer =
  | { readonly kind: 'progress'; readonly done: number }
  | { readonly kind: 'done'; readonly seal?: string; readonly damaged?: string | undefined }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined };

/** What a thread is given has no type on its other side. */
export function isTask(data: unknown): data is Task {
  return typeof data === 'object' && data !== null && 'kind' in data;
}

export function isAnswer(message: unknown): message is Answer {
  return typeof message === 'object' && message !== null && 'kind' in message;
}
