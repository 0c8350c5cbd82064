import { writeProvider } from './provider-package.ts';

/**
 * A provider whose cloud is one JSON file, and whose environments stand on a foundation in it. What is made of one is counted, and what an
 * environment was given of it is written beside the environment.
 */
const ENTRY = `
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const empty = { foundations: {}, environments: {}, made: 0 };
function read(file) {
  try { return JSON.parse(readFileSync(file, 'utf8')); } catch { return structuredClone(empty); }
}
function change(file, act) {
  const cloud = read(file);
  const result = act(cloud);
  const draft = file + '.' + process.pid;
  writeFileSync(draft, JSON.stringify(cloud));
  renameSync(draft, file);
  return result;
}
const outputs = {
  safeParse: (data) =>
    typeof data?.network === 'string'
      ? { success: true, data }
      : { success: false, error: { issues: [{ path: ['network'], message: 'expected a text' }] } },
};
const shown = (id, { fingerprint, tags, network, nat }) => ({
  id, fingerprint, tags, phase: network === undefined ? 'creating' : 'active', handle: {},
  ...(network !== undefined && { outputs: { network, gateways: Array(nat).fill('gateway') } }),
});
export default {
  [Symbol.for('clusternator.provider')]: 1,
  id: 'founded',
  config: { safeParse: (data) => ({ success: true, data: { nat: 1, ...data } }), parse: (data) => ({ nat: 1, ...data }) },
  examples: { default: { file: 'cloud.json' } },
  capabilities: () => ({ 'environments.processes': { can: 'yes' } }),
  permissions: () => [],
  errorOf: () => undefined,
  drivers: {
    foundation: async ({ config, host }) => {
      const key = host.project + '/' + host.stage;
      return {
        outputs,
        parts: () => [{ what: 'network', settings: {} }, { what: 'NAT gateways', settings: { count: config.nat } }],
        async ensure(spec) {
          if (!read(config.file).foundations[key]) {
            await sleep(100);
            change(config.file, (cloud) => { cloud.foundations[key] = { fingerprint: spec.fingerprint, tags: spec.tags, nat: config.nat }; cloud.made += 1; });
          }
          return change(config.file, (cloud) => {
            const one = cloud.foundations[key];
            Object.assign(one, { network: 'net-' + cloud.made, nat: config.nat, fingerprint: spec.fingerprint });
            return shown(spec.id, one);
          });
        },
        async read({ id }) {
          const one = read(config.file).foundations[key];
          return one && shown(id, one);
        },
        async *list() {},
        async destroy() { change(config.file, (cloud) => { delete cloud.foundations[key]; }); },
      };
    },
    environments: async ({ config, foundation }) => {
      const show = (id, one) => one && { id, ...one, phase: 'active', handle: {}, parts: { work: { phase: 'active' } } };
      return {
        ensure: async ({ id, fingerprint, tags }) =>
          change(config.file, (cloud) => show(id, (cloud.environments[id] ??= { fingerprint, tags, on: foundation.network }))),
        read: async ({ id }) => show(id, read(config.file).environments[id]),
        async *list() { for (const [id, one] of Object.entries(read(config.file).environments)) yield show(id, one); },
        destroy: async ({ id }) => { change(config.file, (cloud) => { delete cloud.environments[id]; }); },
        health: async () => ({ healthy: true, parts: { work: { healthy: true, instances: 1 } }, observedAt: new Date() }),
        async *logs() {},
      };
    },
  },
};
`;

export function writeFoundedProvider(folder: string): Promise<string> {
  return writeProvider(folder, { id: 'founded', entry: ENTRY });
}
