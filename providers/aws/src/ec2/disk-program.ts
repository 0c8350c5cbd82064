/**
 * What a machine does with its disks, in Python 3.9 or later. It reads /opt/clusternator/service.json, and does one of:
 *
 * - `mount`: attaches each to this machine once nobody else has it, makes a file system where there is nothing at all, and mounts it for the
 *   service's user. It goes on until all are there.
 * - `grow`: has the file systems grow with their volumes
 * - `release`: unmounts and detaches them, once the service has ended
 *
 * A volume is found by its id, which is the serial of its NVMe device. Where EC2 says that another machine has it, it is waited for: never is
 * one taken from a machine.
 *
 * @see https://docs.aws.amazon.com/ebs/latest/userguide/identify-nvme-ebs-device.html
 * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-using-volumes.html
 */
export const DISK_PROGRAM = String.raw`
import json, os, pwd, subprocess, sys, time

SOURCE, PAUSE, GROWTH, CHECKED = '/opt/clusternator/source', 2, 15, 1 << 20
FAILURES = (OSError, subprocess.CalledProcessError)

with open('/opt/clusternator/service.json') as file:
    SERVICE = json.load(file)
with open('/var/lib/cloud/data/instance-id') as file:
    MACHINE = file.read().strip()

said = set()

def say(text):
    if text not in said:
        print(text, flush=True)
        said.add(text)

def ec2(*args):
    line = ['aws', 'ec2', *args, '--region', SERVICE['region'], '--output', 'json']
    return subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True).stdout

def run(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True).stdout

def target_of(disk):
    target = os.path.realpath(os.path.join(SOURCE, disk['path']))
    if not target.startswith(SOURCE + '/'):
        raise OSError('%s leads out of the source tree' % disk['path'])
    return target

def device_of(volume):
    return '/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_' + volume.replace('-', '')

def is_attached(volume, at):
    found = json.loads(ec2('describe-volumes', '--volume-ids', volume))['Volumes'][0]
    holders = {one['InstanceId']: one['State'] for one in found.get('Attachments', [])}
    if holders.get(MACHINE) == 'attached':
        return True
    others = [name for name in holders if name != MACHINE]
    if others:
        say('the disk %s is attached to the machine %s: waiting until it is free' % (volume, others[0]))
    elif found['State'] == 'available':
        ec2('attach-volume', '--volume-id', volume, '--instance-id', MACHINE, '--device', '/dev/sd' + chr(ord('f') + at))
    return False

def has_nothing(device):
    # Of a device that can't be read blkid says the same as of an empty one.
    with open(device, 'rb') as file:
        if len(file.read(CHECKED)) < CHECKED:
            raise OSError('%s can not be read' % device)
    return subprocess.run(['blkid', '-p', device], stdout=subprocess.DEVNULL).returncode == 2

def is_mounted(disk, at):
    target = target_of(disk)
    if os.path.ismount(target):
        return True
    if not is_attached(disk['volume'], at):
        return False
    device = device_of(disk['volume'])
    if not os.path.exists(device):
        say('waiting for %s: of instance types without NVMe there is none' % device)
        return False
    if has_nothing(device):
        run('mkfs.ext4', '-q', '-m', '0', device)
    os.makedirs(target, exist_ok=True)
    run('mount', '-o', 'nosuid,nodev' + (',ro' if disk['readOnly'] else ''), device, target)
    return True

def own(disk):
    target, account = target_of(disk), pwd.getpwnam('clusternator')
    if disk['readOnly']:
        return
    # Servers refuse a folder that is not empty.
    lost = os.path.join(target, 'lost+found')
    if os.path.isdir(lost) and not os.listdir(lost):
        os.rmdir(lost)
    os.chown(target, account.pw_uid, account.pw_gid)

def text_of(error):
    return error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)

def until(done):
    while True:
        try:
            if done():
                return
        except FAILURES as error:
            say(text_of(error))
        time.sleep(PAUSE)

def mount():
    for at, disk in enumerate(SERVICE['disks']):
        until(lambda: is_mounted(disk, at))
        until(lambda: own(disk) is None)
        print('the disk %s is mounted at %s' % (disk['volume'], disk['path']), flush=True)

def fit(disk, sizes):
    device = device_of(disk['volume'])
    with open(device, 'rb') as file:
        size = file.seek(0, 2)
    if sizes.get(device) != size and not disk['readOnly']:
        run('resize2fs', device)
        sizes[device] = size

def grow():
    sizes = {}
    while True:
        for disk in SERVICE['disks']:
            try:
                fit(disk, sizes)
            except FAILURES as error:
                say(text_of(error))
        time.sleep(GROWTH)

def release():
    for disk in SERVICE['disks']:
        try:
            if os.path.ismount(target_of(disk)):
                run('umount', target_of(disk))
            ec2('detach-volume', '--volume-id', disk['volume'], '--instance-id', MACHINE)
        except FAILURES as error:
            say(text_of(error))

{'mount': mount, 'grow': grow, 'release': release}[sys.argv[1]]()
`;
