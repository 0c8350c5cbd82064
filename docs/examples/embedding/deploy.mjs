// Deploys HEAD of a repository to a slot, rolls back when the new head does not answer, and tells what happens meanwhile.
// node deploy.mjs <repository> <slot>
import { openProject, ProviderError } from '@clusternator/core';

const [directory = '.', slot = 'master'] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

await using project = await openProject({ directory });

// Events come as they happen, also those of what was begun before anybody looks.
const events = project.events();
const told = (async () => {
  for await (const event of events) if (event.type === 'step') console.error(`${event.state}: ${event.title}`);
})();

try {
  // An aborted request ends at once, and leaves an operation that `project.resume` carries on.
  const { environment } = await project.create({ signal: stop.signal });
  const { slot: now, from } = await project
    .slots()
    .promote({ slot, environment: environment.id, reason: 'deploy.mjs', signal: stop.signal });
  const answer = await fetch(now.url).catch(() => undefined);
  if (!answer?.ok && from) await project.slots().rollback({ slot, reason: 'it does not answer' });
  console.log(JSON.stringify({ environment: environment.id, url: now.url, status: answer?.status }));
} catch (error) {
  // `code` is for programs, the message for people.
  if (!ProviderError.is(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
await project.close();
await told;
