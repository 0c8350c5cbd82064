import { createServer } from 'node:http';
import { PutBucketTaggingCommand, S3Client } from '@aws-sdk/client-s3';
import { LoopbackServer } from './data-plane/loopback-server.ts';
import { passOn } from './pass-on.ts';

/** Whoever may put tags on buckets, where the emulator looks at who asks. */
interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}
const ANYBODY: Keys = { accessKeyId: 'emulator', secretAccessKey: 'emulator' };
const TAG = /<Tag><Key>([^<]*)<\/Key><Value>([^<]*)<\/Value><\/Tag>/g;

/** Before an S3 that makes buckets without the tags that it was asked for: it puts them on, so that nobody sees such a bucket without. */
export async function tagNewBuckets(
  cloud: string,
  credentials = ANYBODY,
): Promise<{ readonly url: string; end(): Promise<void> }> {
  const s3 = new S3Client({ region: 'us-east-1', endpoint: cloud, credentials, forcePathStyle: true });
  /** Until a new one is tagged, everybody waits. */
  let tagged: Promise<unknown> = Promise.resolve();
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await request.toArray());
      const tags = /<CreateBucketConfiguration.*<Tags>(.*)<\/Tags>/s.exec(body.toString())?.[1];
      const before = tagged;
      const { promise, resolve: release } = Promise.withResolvers<undefined>();
      if (tags !== undefined) tagged = promise;
      await before;
      const passed = (async () => {
        const answer = await passOn(cloud, request, body);
        if (answer.statusCode === 200 && tags !== undefined) await s3.send(tagging(request.url ?? '', tags));
        return answer;
      })();
      const answer = await passed.finally(() => {
        release(undefined);
      });
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    })().catch(() => response.destroy());
  });
  const listening = await LoopbackServer.listen(server);
  return {
    url: listening.url,
    async end() {
      s3.destroy();
      await listening.end();
    },
  };
}

function tagging(url: string, tags: string): PutBucketTaggingCommand {
  const Bucket = url.split('?')[0]?.replaceAll('/', '') ?? '';
  const TagSet = [...tags.matchAll(TAG)].map(([, Key = '', Value = '']) => ({ Key, Value }));
  return new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } });
}
