import type { Host } from '@clusternator/core/provider';

/** By which policies name what is ours: it is never shortened. */
const BEGINS = 'clusternator-';
/** A target group's name takes 32 characters, of which two are the service's. */
const KEY_LENGTH = 30;
/** As many as one DescribeServices asks for. @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html */
export const MOST_SERVICES = 10;

/** What all names of an environment begin with. @param kind - In containers, or on machines: their names never meet. */
export function environmentKey(host: Pick<Host, 'name'>, id: string, kind: 'c' | 'vm' = 'c'): string {
  return BEGINS + host.name([kind, id], { maxLength: KEY_LENGTH - BEGINS.length });
}

/** Of the service at a place in the environment: its ECS service, its family of task definitions, its target group, its name in DNS. */
export function serviceName(key: string, at: number): string {
  return `${key}-${String(at)}`;
}

/** All names that an environment's services may have. */
export function serviceNames(key: string): readonly string[] {
  return Array.from({ length: MOST_SERVICES }, (_, at) => serviceName(key, at));
}

/** Undefined: it is no service's name. */
export function parseServiceName(name: string): { readonly key: string; readonly at: number } | undefined {
  const [, key, at] = /^(.+)-(\d)$/.exec(name) ?? [];
  return key === undefined ? undefined : { key, at: Number(at) };
}

/** As in `arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<name>/<id>`. */
export function targetGroupName(arn: string): string {
  return arn.split('/').at(-2) ?? '';
}
