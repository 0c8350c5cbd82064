import { describe, expect, test } from '@jest/globals';
import { hostName, RoutingTable } from './table.ts';
import type { Target } from './backend.ts';

const service: Target = { kind: 'service', endpoints: [{ host: '127.0.0.1', port: 1 }] };

function tableWith(...prefixes: string[]): RoutingTable {
  const table = new RoutingTable(() => 1000);
  table.setBackend({
    id: 'e',
    title: 'environment e',
    parts: prefixes.map((prefix) => ({ name: `at ${prefix}`, prefix, target: service })),
  });
  table.setHost('app.localhost', [{ backend: 'e', percent: 100 }]);
  return table;
}

function partAt(table: RoutingTable, path: string): string {
  const found = table.resolve('app.localhost', path);
  return found.kind === 'part' ? found.part.prefix : found.kind;
}

describe('paths', () => {
  test.each([
    ['/', '/'],
    ['/api', '/api'],
    ['/api/', '/api'],
    ['/api/v1', '/api'],
    ['/api?x=/admin', '/api'],
    ['/apis', '/'],
    ['/api/v2/x', '/api/v2'],
    ['/api/v22', '/api'],
    ['/API', '/'],
  ])('%s goes to %s', (path, prefix) => {
    expect(partAt(tableWith('/', '/api', '/api/v2/'), path)).toBe(prefix);
  });

  test('a path that no part covers is told apart from an unknown host', () => {
    expect(partAt(tableWith('/api'), '/')).toBe('no-part');
    expect(new RoutingTable().resolve('app.localhost', '/').kind).toBe('unknown-host');
  });

  test('two parts on one route are refused', () => {
    expect(() => tableWith('/api', '/api/')).toThrow('two parts of environment e have the route /api');
  });

  test.each(['api', '', '/a b', '/a?b'])('the route %j is refused', (prefix) => {
    expect(() => tableWith(prefix)).toThrow('must be a path');
  });
});

describe('hosts', () => {
  test.each([
    ['App.LOCALHOST', 'app.localhost'],
    ['app.localhost:8080', 'app.localhost'],
    ['app.localhost.', 'app.localhost'],
    ['app.localhost.:80', 'app.localhost'],
    ['[::1]:80', '[::1]'],
    ['app..localhost', undefined],
    ['app localhost', undefined],
    ['app/x', undefined],
    ['user@app', undefined],
    ['', undefined],
    ['app:port', undefined],
  ])('%j is %j', (header, name) => {
    expect(hostName(header)).toBe(name);
  });

  test('a host whose backend is gone is not unknown', () => {
    const table = tableWith('/');
    table.removeBackend('e');
    expect(table.resolve('app.localhost', '/').kind).toBe('no-backend');
    table.removeHost('APP.localhost');
    expect(table.resolve('app.localhost', '/').kind).toBe('unknown-host');
  });

  test('an address goes to its backend', () => {
    const table = tableWith('/');
    table.setAddress('127.64.0.1', 'e');
    expect(table.resolveAddress('127.64.0.1', '/').kind).toBe('part');
    table.removeAddress('127.64.0.1');
    expect(table.resolveAddress('127.64.0.1', '/').kind).toBe('unknown-host');
  });
});

describe('shares', () => {
  test('of a hundred requests each backend gets exactly its percentage, mixed', () => {
    const table = tableWith('/');
    table.setBackend({ id: 'f', title: 'environment f', parts: [{ name: 'web', prefix: '/', target: service }] });
    table.setHost('app.localhost', [
      { backend: 'e', percent: 90 },
      { backend: 'f', percent: 10 },
    ]);
    const ids = Array.from({ length: 100 }, () => {
      const found = table.resolve('app.localhost', '/');
      return found.kind === 'part' ? found.backend.id : '';
    });
    expect(ids.filter((id) => id === 'f')).toHaveLength(10);
    expect(ids.slice(0, 20)).toContain('f');
  });

  test('a share of 0 gets nothing', () => {
    const table = tableWith('/');
    table.setHost('app.localhost', [
      { backend: 'e', percent: 100 },
      { backend: 'gone', percent: 0 },
    ]);
    for (let i = 0; i < 200; i++) expect(partAt(table, '/')).toBe('/');
  });

  test.each([[[]], [[50]], [[50, 51]], [[99.5, 0.5]], [[-10, 110]], [[Number.NaN]]])('%j is refused', (percents) => {
    const shares = percents.map((percent) => ({ backend: 'e', percent }));
    expect(() => {
      tableWith('/').setHost('x.localhost', shares);
    }).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});

test('counters outlive a swap of parts, and are zero for the unknown', () => {
  const table = tableWith('/');
  table.backend('e')?.traffic.started(1000);
  table.setBackend({ id: 'e', title: 'environment e', parts: [] });
  expect(table.backendTraffic('e')).toEqual({ requests: 1, inFlight: 1, upgraded: 0, lastRequestAt: new Date(1000) });
  expect(table.backendTraffic('nobody')).toEqual({ requests: 0, inFlight: 0, upgraded: 0 });
});
