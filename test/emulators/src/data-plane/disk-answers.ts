import type { Answer } from './exchange.ts';
import { child, element, find, parse, render } from './query-xml.ts';

/** A refusal as EC2 says it. */
export function ec2Refusal(code: string, message: string): Answer {
  const body = `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>data-plane</RequestID></Response>`;
  return answerOf(400, body);
}

/** What DetachVolume answers. */
export function detached(volume: string, machine: string): Answer {
  const body = `<DetachVolumeResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>data-plane</requestId><volumeId>${volume}</volumeId><instanceId>${machine}</instanceId><status>detaching</status></DetachVolumeResponse>`;
  return answerOf(200, body);
}

/** What DescribeVolumes says, with the machines that have not ended yet: the emulator takes a volume from one as soon as it is to end. */
export function tellHolders(
  answer: Answer,
  holders: ReadonlyMap<string, { readonly machine: string; readonly device?: string }>,
): Answer {
  const top = parse(answer.body.toString());
  for (const volume of find(top, 'volumeSet')?.children ?? []) {
    const id = child(volume, 'volumeId')?.text ?? '';
    const holder = holders.get(id);
    const status = child(volume, 'status');
    const attachments = child(volume, 'attachmentSet');
    if (holder?.device === undefined || status?.text !== 'available') continue;
    status.text = 'in-use';
    if (attachments) volume.children.splice(volume.children.indexOf(attachments), 1);
    const item = element('item', [
      element('volumeId', id),
      element('instanceId', holder.machine),
      element('status', 'attached'),
    ]);
    volume.children.push(element('attachmentSet', [item]));
  }
  return { ...answer, body: Buffer.from(render(top)) };
}

function answerOf(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/xml' }, body: Buffer.from(body) };
}
