import { request } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** GETs a URL of an environment. Its host goes to loopback here, since not every resolver knows *.localhost. */
export async function get(
  url: string,
  options: { method?: string; body?: string; timeoutMs?: number; host?: string } = {},
): Promise<Reply> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: options.host ?? '127.0.0.1',
        port,
        path: `${pathname}${search}`,
        method: options.method ?? 'GET',
        headers: { host: `${hostname}:${port}` },
        agent: false,
        timeout: options.timeoutMs ?? 10_000,
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
        response.once('error', reject);
      },
    );
    call.once('timeout', () => call.destroy(new Error(`${url} did not answer in time`)));
    call.once('error', reject);
    call.end(options.body);
  });
}

/** Tries until `check` passes or the time is over; then its last error is told. */
export async function eventually<T>(check: () => Promise<T> | T, seconds = 20): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
