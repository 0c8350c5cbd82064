import type { IncomingMessage } from 'node:http';
import type { Action, Rule, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import { expect, test } from '@jest/globals';
import { actionsFor, groupOf } from './rules.ts';

test('the first rule by priority gets a request, and the default one what no other takes', () => {
  const rules = [
    rule('default'),
    rule('10', { Field: 'host-header', Values: ['*.example.com'] }),
    rule('9', { Field: 'host-header', Values: ['www.example.com'] }),
    rule('100', { Field: 'host-header', Values: ['*'] }, { Field: 'path-pattern', Values: ['/img/*.?if'] }),
  ];
  expect(takenBy(rules, 'www.example.com')).toBe('9');
  expect(takenBy(rules, 'WWW.example.com:8080')).toBe('9');
  expect(takenBy(rules, 'api.example.com')).toBe('10');
  expect(takenBy(rules, 'example.com')).toBe('default');
  expect(takenBy(rules, 'elsewhere', '/img/a/b.gif?c')).toBe('100');
  expect(takenBy(rules, 'elsewhere', '/img/a.jpeg')).toBe('default');
});

test('all conditions of a rule have to hold, of each one value', () => {
  const header = { Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'X-Kind', Values: ['a*', 'b'] } };
  const query = { Field: 'query-string', QueryStringConfig: { Values: [{ Key: 'v', Value: '2' }, { Value: 'all' }] } };
  const method = { Field: 'http-request-method', HttpRequestMethodConfig: { Values: ['GET'] } };
  const rules = [rule('1', header, query, method), rule('default')];
  expect(takenBy(rules, 'any', '/?v=2', { 'x-kind': 'abc' })).toBe('1');
  expect(takenBy(rules, 'any', '/?w=all', { 'x-kind': 'B' })).toBe('1');
  expect(takenBy(rules, 'any', '/?v=3', { 'x-kind': 'abc' })).toBe('default');
  expect(takenBy(rules, 'any', '/?v=2')).toBe('default');
});

test('weights share the requests out, and none goes to a group of weight 0', () => {
  const TargetGroups = [
    { TargetGroupArn: 'a', Weight: 0 },
    { TargetGroupArn: 'b', Weight: 1 },
    { TargetGroupArn: 'c', Weight: 3 },
  ];
  const action: Action = { Type: 'forward', ForwardConfig: { TargetGroups } };
  expect([0, 0.24, 0.25, 0.99].map((share) => groupOf(action, share))).toEqual(['b', 'b', 'c', 'c']);
  expect(groupOf({ Type: 'forward', TargetGroupArn: 'a' }, 0.5)).toBe('a');
  const none: Action = { Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn: 'a', Weight: 0 }] } };
  expect(groupOf(none, 0.5)).toBeUndefined();
});

function rule(Priority: string, ...Conditions: readonly RuleCondition[]): Rule {
  return { Priority, Conditions: [...Conditions], Actions: [{ Type: 'forward', TargetGroupArn: Priority }] };
}

function takenBy(rules: readonly Rule[], host: string, url = '/', headers: Readonly<Record<string, string>> = {}) {
  const request = { method: 'GET', url, headers: { host, ...headers } } as unknown as IncomingMessage; // all that is looked at
  return actionsFor(rules, request)[0]?.TargetGroupArn;
}
