import type { Refusal, Refusals, WireCall } from '@clusternator/conformance';

/** Which of AWS's protocols a request is in, by the service that it was signed for. */
const SERVICE = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\/aws4_request/;

/** How AWS refuses, in the words of whichever service was asked. @see https://smithy.io/2.0/aws/protocols/index.html */
export const awsRefusals: Refusals = {
  throttled: refusal(400, 'ThrottlingException', { 'retry-after': '1' }),
  broken: refusal(500, 'InternalFailure'),
  denied: refusal(403, 'AccessDeniedException'),
  unauthenticated: refusal(403, 'UnrecognizedClientException'),
  expired: refusal(400, 'ExpiredTokenException'),
  quota: refusal(400, 'LimitExceededException'),
  unreadable: { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>no such page</html>' },
};

function refusal(status: number, code: string, headers: Refusal['headers'] = {}) {
  return (call: WireCall): Refusal => {
    const { type, body } = saidBy(SERVICE.exec(call.headers.authorization ?? '')?.[1], code);
    return { status, headers: { 'content-type': type, 'x-amzn-errortype': code, ...headers }, body };
  };
}

function saidBy(service: string | undefined, code: string): { readonly type: string; readonly body: string } {
  const error = `<Error><Code>${code}</Code><Message>refused by the kit</Message></Error>`;
  switch (service) {
    case 'ec2':
      return { type: 'text/xml', body: `<Response><Errors>${error}</Errors><RequestID>kit</RequestID></Response>` };
    case 's3':
      return { type: 'application/xml', body: error };
    case 'cloudfront':
    case 'elasticloadbalancing':
    case 'iam':
    case 'sts':
      return { type: 'text/xml', body: `<ErrorResponse>${error}<RequestId>kit</RequestId></ErrorResponse>` };
    default:
      return {
        type: 'application/x-amz-json-1.1',
        body: JSON.stringify({ __type: code, message: 'refused by the kit' }),
      };
  }
}
