/** As the awslogs driver names them: `<prefix>/<container>/<task>`.
 *  @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html */
export function streamPrefix(key: string, service?: string): string {
  return service === undefined ? `${key}/` : `${key}/${service}/`;
}

export function parseStream(name: string): { readonly service: string; readonly instance: string } {
  const [, service = '', instance = ''] = name.split('/');
  return { service, instance };
}
