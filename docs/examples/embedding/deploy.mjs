// Deploys HEAD of a repository to a slot, rolls back when the new head is not healthy, and tells what happens meanwhile.
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
  const slots = project.slots();
  const { from } = await slots.promote({
    slot,
    environment: environment.id,
    reason: 'deploy.mjs',
    signal: stop.signal,
  });
  const { url, head } = await slots.show(slot); // asks the router and the provider
  if (head?.healthy === false && from) await slots.rollback({ slot, reason: 'it is not healthy' });
  console.log(JSON.stringify({ environment: environment.id, url, healthy: head?.healthy }));
} catch (error) {
  // `code` is for programs, the message for people.
  if (!ProviderError.is(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
await project.close();
await told;
