import type { Answer, Asked } from './exchange.ts';
import type { ForwardMemory } from './forward-memory.ts';
import { child, element, find, parse, render, type Element } from './query-xml.ts';
import type { Target, Targets } from './targets.ts';

const RULES = /^elb\.(?:Create|Modify|Describe)Rules?$/;

/** The truth in the answers of Elastic Load Balancing. */
export class ElbOverlay {
  constructor(
    private readonly targets: Targets,
    private readonly memory: ForwardMemory,
  ) {}

  after({ action, form }: Asked, answer: Answer): Answer {
    const top = parse(answer.body.toString());
    if (action === 'elb.DescribeTargetHealth') this.#tellHealth(form, top);
    else if (RULES.test(action)) {
      if (action !== 'elb.DescribeRules') this.memory.remember(form, top);
      this.memory.amend(top);
    } else return answer;
    return { ...answer, body: Buffer.from(render(top)) };
  }

  #tellHealth(form: URLSearchParams, top: Element): void {
    const group = form.get('TargetGroupArn') ?? '';
    const asked = [...form].flatMap(([key, value]) => (/^Targets\.member\.\d+\.Id$/.test(key) ? [value] : []));
    const list = find(top, 'TargetHealthDescriptions');
    if (!list) return;
    const said = list.children.flatMap((member) => {
      const target = child(member, 'Target');
      return target ? [`${child(target, 'Id')?.text ?? ''}:${child(target, 'Port')?.text ?? ''}`] : [];
    });
    const known = this.targets.in(group);
    // Registered just now, and not looked at yet.
    const fresh = said.filter((key) => !known.some(({ address, port }) => `${address}:${String(port)}` === key));
    const all = [...known.map(membersOf), ...fresh.map(freshMember)];
    const isAsked = (member: Element) => asked.length === 0 || asked.includes(find(member, 'Id')?.text ?? '');
    list.children.splice(0, list.children.length, ...all.filter(isAsked));
    list.text = '';
  }
}

function membersOf({ address, port, health }: Target): Element {
  return memberOf(address, String(port), health);
}

function freshMember(key: string): Element {
  const [address = '', port = ''] = key.split(':');
  const Description = 'Target registration is in progress';
  return memberOf(address, port, { State: 'initial', Reason: 'Elb.RegistrationInProgress', Description });
}

function memberOf(address: string, port: string, health: Target['health']): Element {
  const { State, Reason, Description } = health;
  return element('member', [
    element('Target', [element('Id', address), element('Port', port)]),
    element('HealthCheckPort', port),
    element('TargetHealth', [
      element('State', State),
      ...(Reason ? [element('Reason', Reason)] : []),
      ...(Description ? [element('Description', Description)] : []),
    ]),
  ]);
}
