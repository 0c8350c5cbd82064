import type { IncomingHttpHeaders } from 'node:http';

/** A call of the public interface, whole. */
export interface Asked {
  /** `ecs.CreateService`; empty where it is no action of a service that the data plane has to do with. */
  readonly action: string;
  /** In JSON, of the services that speak it. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Of the services that take forms. */
  readonly form: URLSearchParams;
}

/** What it is answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const TARGETS: Readonly<Record<string, string>> = {
  AmazonEC2ContainerServiceV20141113: 'ecs',
  AmazonEC2ContainerRegistry_V20150921: 'ecr',
  CodeBuild_20161006: 'codebuild',
  AmazonSSM: 'ssm',
};
/** Those that take forms, by the version of their interface. */
const FORMS: Readonly<Record<string, string>> = {
  '2015-12-01': 'elb',
  '2011-01-01': 'autoscaling',
  '2016-11-15': 'ec2',
};

/** @param target - Of `X-Amz-Target`. */
export function askedOf(target: string, contentType: string, body: Buffer): Asked {
  const none = { input: {}, form: new URLSearchParams() };
  const [prefix = '', name = ''] = target.split('.');
  const service = TARGETS[prefix];
  if (service)
    return { ...none, action: `${service}.${name}`, input: body.length > 0 ? JSON.parse(body.toString()) : {} };
  if (!contentType.startsWith('application/x-www-form-urlencoded')) return { ...none, action: '' };
  const form = new URLSearchParams(body.toString());
  const of = FORMS[form.get('Version') ?? ''];
  const action = of === undefined ? '' : `${of}.${form.get('Action') ?? ''}`;
  return { ...none, action, form };
}

/** A refusal as the services that speak JSON say it. */
export function refusal(type: string, message: string): Answer {
  return json({ headers: {} }, { __type: type, message }, 400);
}

/** The same as the services that take forms say it. */
export function formRefusal(code: string, message: string): Answer {
  const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;
  return { status: 400, headers: { 'content-type': 'text/xml' }, body: Buffer.from(body) };
}

/** Seconds since 1970 stand for a time. */
export function json({ headers }: Pick<Answer, 'headers'>, value: unknown, status = 200): Answer {
  const text = JSON.stringify(value, function (this: Record<string, unknown>, key, plain: unknown) {
    const original = this[key];
    return original instanceof Date ? original.getTime() / 1000 : plain;
  });
  return { status, headers: { ...headers, 'content-type': 'application/x-amz-json-1.1' }, body: Buffer.from(text) };
}
