import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../state/testing/child.ts';
import { currentIdentity, describeOwner, identityOf, isSameProcess, livenessOf } from './identity.ts';

const me = currentIdentity();

describe('processes of this machine', () => {
  test('this one is alive', () => {
    expect(livenessOf(me)).toBe('alive');
    expect(isSameProcess(me, currentIdentity())).toBe(true);
    expect(describeOwner(me)).toBe(`${me.user}@${me.host}, process ${process.pid}`);
  });

  test('one that was killed is dead, also while nobody has taken note of its end', async () => {
    const shell = spawn('sh', ['-c', 'sleep 100 & echo $!; kill -9 $!; exec sleep 100'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(shell.stdout, 'data')) as [Buffer];
    const zombie = identityOf(Number(line.toString()));
    const other = identityOf(shell.pid!);
    await eventually('the child of the shell is a zombie', () => livenessOf(zombie) === 'dead');
    expect(livenessOf(other)).toBe('alive');
    shell.kill('SIGKILL');
    await once(shell, 'close');
    expect(livenessOf(other)).toBe('dead');
  });

  test('one that is paused is alive', async () => {
    const child = spawn('sleep', ['100']);
    const identity = identityOf(child.pid!);
    child.kill('SIGSTOP');
    await eventually('it is stopped', () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').includes(') T '));
    expect(livenessOf(identity)).toBe('alive');
    child.kill('SIGKILL');
    await once(child, 'close');
  });

  test('another process under the same pid does not make it alive', () => {
    expect(livenessOf({ ...me, started: '1' })).toBe('dead');
  });
});

describe('processes that can not be seen from here', () => {
  test('of another machine or container: unknown', () => {
    expect(livenessOf({ ...me, machine: 'another', started: '1' })).toBe('unknown');
    expect(livenessOf({ ...me, pidNamespace: 'pid:[1]', started: '1' })).toBe('unknown');
  });

  test('from before the machine’s last start: dead', () => {
    const outermost = { ...me, pidNamespace: 'pid:[4026531836]' };
    expect(livenessOf({ ...outermost, boot: 'before' }, outermost)).toBe('dead');
  });

  test('in a container of an image that carries its machine id to many machines: unknown', () => {
    const inside = { ...me, pidNamespace: 'pid:[4026532000]' };
    expect(livenessOf({ ...inside, boot: 'another machine' }, inside)).toBe('unknown');
  });
});

test('the machine’s own id is not told', () => {
  const id = readFileSync('/etc/machine-id', 'utf8').trim();
  expect(id === '' || !JSON.stringify(me).includes(id)).toBe(true);
});
