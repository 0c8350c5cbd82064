import { expect, test } from '@jest/globals';
import type { Activity, AutoScalingGroup, Instance } from '@aws-sdk/client-auto-scaling';
import type { TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2';
import { groupState, lacksMachines } from './group-state.ts';

const LAUNCHED = { LaunchTemplateId: 'lt-1', Version: '1' };
const instance = (more: Partial<Instance> = {}): Instance => ({
  InstanceId: 'i-1',
  AvailabilityZone: 'a',
  LifecycleState: 'InService',
  HealthStatus: 'Healthy',
  ProtectedFromScaleIn: false,
  LaunchTemplate: LAUNCHED,
  ...more,
});
const TAGS = { service_name: 'web', route: '/', launch_template: 'lt-1', source: 'sha256:1' };
function group(more: Partial<AutoScalingGroup> = {}): AutoScalingGroup {
  return {
    AutoScalingGroupName: 'clusternator-vm-1-0',
    MinSize: 1,
    MaxSize: 1,
    DesiredCapacity: 1,
    DefaultCooldown: 300,
    AvailabilityZones: ['a'],
    HealthCheckType: 'ELB',
    CreatedTime: new Date(0),
    LaunchTemplate: LAUNCHED,
    Instances: [instance()],
    Tags: Object.entries(TAGS).map(([Key, Value]) => ({ Key, Value })),
    ...more,
  };
}
const target = (State: 'healthy' | 'initial' | 'unhealthy'): TargetHealthDescription => ({ TargetHealth: { State } });
const activity = (more: Partial<Activity>): Activity => ({
  ActivityId: '1',
  AutoScalingGroupName: 'clusternator-vm-1-0',
  Cause:
    'At 2026-01-01T00:00:00Z an instance was started in response to a difference between desired and actual capacity.',
  StartTime: new Date(0),
  StatusCode: 'Successful',
  ...more,
});
const REFUSED = activity({
  StatusCode: 'Failed',
  StatusMessage: 'You have requested more vCPU capacity than your limit',
});
const GIVEN_UP = activity({
  Cause:
    'At 2026-01-01T00:00:00Z an instance was taken out of service in response to an ELB system health check failure.',
});

test('a machine that EC2 runs has not arrived before it passes the check of the load balancer', () => {
  expect(groupState(group(), { targets: [target('initial')] }).phase).toBe('creating');
  expect(groupState(group(), { targets: [target('healthy')] })).toMatchObject({
    phase: 'active',
    running: 1,
    image: 'sha256:1',
    isPublic: true,
  });
  const two = group({ DesiredCapacity: 2, Instances: [instance(), instance()] });
  expect(groupState(two, { targets: [target('healthy'), target('unhealthy')] })).toMatchObject({
    phase: 'creating',
    message: '2 of 2 machines run, 1 pass their check',
  });
});

test.each([
  ['could not be started', REFUSED, 'more vCPU capacity'],
  ['were given up', GIVEN_UP, 'health check failure'],
])('one that %s may be bad luck, two are not, unless one has passed', (_, failure, says) => {
  const none = group({ Instances: [] });
  expect(lacksMachines(none)).toBe(true);
  expect(groupState(none, { activities: [failure, activity({})] }).phase).toBe('creating');
  const failed = groupState(none, { activities: [failure, activity({}), failure] });
  expect(failed.phase).toBe('failed');
  expect(failed.message).toContain(says);
  const two = group({ DesiredCapacity: 2 });
  expect(groupState(two, { targets: [target('healthy')], activities: [failure, failure] }).phase).toBe('creating');
});

test('what ends, is off, or was never to run is told apart', () => {
  expect(groupState(group({ Status: 'Delete in progress' })).phase).toBe('destroying');
  expect(groupState(group({ DesiredCapacity: 0 })).phase).toBe('active');
  const off = groupState(group({ DesiredCapacity: 0, Instances: [] }));
  expect([off.phase, off.isOffBySpec]).toEqual(['stopped', false]);
  const Tags = [{ Key: 'instances', Value: '0' }];
  expect(groupState(group({ DesiredCapacity: 0, Instances: [], Tags })).isOffBySpec).toBe(true);
});

test.each([
  ['the group has another version', { LaunchTemplate: { LaunchTemplateId: 'lt-1', Version: '2' } }],
  ['the group has another template', { LaunchTemplate: { LaunchTemplateId: 'lt-2', Version: '1' } }],
  ['a machine has another version', { Instances: [instance(), instance({ LaunchTemplate: { Version: '2' } })] }],
])('where %s, nobody knows what runs', (_, more) => {
  expect(groupState(group(more), { targets: [target('healthy')] }).image).toBeUndefined();
});

test('it has released its disks once none of its machines runs on, and says what it waits for', () => {
  const none = group({ DesiredCapacity: 0, Instances: [] });
  expect(groupState(none).phase).toBe('stopped');
  expect(groupState(none, { isReleasing: true }).phase).toBe('active');
  const waitsFor = ['the disk vol-1 is attached to the machine i-2'];
  expect(groupState(group(), { targets: [target('initial')], waitsFor }).message).toMatch(
    /; the disk vol-1 is attached/,
  );
});
