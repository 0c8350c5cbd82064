/**
 * What a machine runs, in Python 3.9 or later, which cloud-init runs on as well. It reads /opt/clusternator/service.json, and does one of:
 *
 * - `values`: writes the variables of the service, with its secrets as they are now, where the service alone can read them
 * - `install`, `start`: runs the command of the service in its source tree, with these variables and no others
 * - `exec`: runs what follows in its place
 * - `logs`: sends to CloudWatch what the service writes, from where it was
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (events and bytes a call)
 */
export const MACHINE_PROGRAM = String.raw`
import json, os, pwd, re, signal, subprocess, sys, time

TOP, USER = '/opt/clusternator', 'clusternator'
VALUES = '/run/clusternator/values.json'
LOG, SENT = '/var/log/clusternator.log', '/var/log/clusternator.sent'
PAUSE, LINE, BATCH, LINES, HOLE = 2, 200000, 500000, 5000, 1 << 24

def load(path):
    with open(path) as file:
        return json.load(file)

SERVICE = load(TOP + '/service.json')

def aws(*args):
    os.environ['AWS_DEFAULT_REGION'] = SERVICE['region']
    return subprocess.run(['aws', *args, '--output', 'json'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

def ask(*args):
    while True:
        asked = aws(*args)
        if asked.returncode == 0:
            return json.loads(asked.stdout)
        print(asked.stderr.strip(), flush=True)
        time.sleep(5)

def value_of(reference):
    of_secret = r'(arn:[^:]+:secretsmanager:[^:]*:\d*:secret:[^:]+)(?::([^:]*):([^:]*):([^:]*))?'
    secret = re.fullmatch(of_secret, reference)
    if not secret:
        return ask('ssm', 'get-parameters', '--with-decryption', '--names', reference)['Parameters'][0]['Value']
    name, key, stage, version = secret.groups()
    more = ['--version-stage', stage] if stage else []
    more += ['--version-id', version] if version else []
    text = ask('secretsmanager', 'get-secret-value', '--secret-id', name, *more)['SecretString']
    return str(json.loads(text)[key]) if key else text

def values():
    account = pwd.getpwnam(USER)
    found = {name: value_of(reference) for name, reference in SERVICE['secrets'].items()}
    os.makedirs(os.path.dirname(VALUES), exist_ok=True)
    handle = os.open(VALUES + '.new', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
    with os.fdopen(handle, 'w') as file:
        json.dump({**SERVICE['env'], **found}, file)
    os.chown(VALUES + '.new', account.pw_uid, account.pw_gid)
    os.rename(VALUES + '.new', VALUES)

def start(command, folder):
    while not os.path.exists(VALUES):
        time.sleep(1)
    account = pwd.getpwnam(USER)
    base = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG': 'C.UTF-8'}
    terminal = {'TERM': os.environ['TERM']} if 'TERM' in os.environ else {}
    env = {**base, **terminal, 'HOME': account.pw_dir, 'USER': USER, 'LOGNAME': USER, 'SHELL': '/bin/sh', **load(VALUES)}
    os.chdir(os.path.join(TOP, 'source', folder))
    try:
        os.execvpe(command[0], command, env)
    except OSError as error:
        sys.exit('%s: %s' % (command[0], error.strerror))

def install():
    done = os.path.join(pwd.getpwnam(USER).pw_dir, '.installed')
    if not SERVICE['install'] or os.path.exists(done):
        return
    child = os.fork()
    if child == 0:
        start(SERVICE['install'], '.')
    if os.waitpid(child, 0)[1] != 0:
        sys.exit('install failed')
    open(done, 'w').close()

def batch(file):
    events, size = [], 0
    while size < BATCH and len(events) < LINES:
        line = file.readline(LINE)
        if not line.endswith(b'\n') and len(line) < LINE:
            file.seek(-len(line), 1)
            break
        text = line.rstrip(b'\r\n').decode('utf-8', 'replace') or ' '
        events.append({'timestamp': int(time.time() * 1000), 'message': text})
        size += len(text.encode()) + 26
    return events

def send(events, stream):
    request = '/run/clusternator-events.json'
    names = ['--log-group-name', SERVICE['logGroup'], '--log-stream-name', stream]
    while events:
        with open(request, 'w') as file:
            json.dump(events, file)
        sent = aws('logs', 'put-log-events', *names, '--log-events', 'file://' + request)
        if sent.returncode == 0:
            return
        if 'ResourceNotFound' in sent.stderr:
            aws('logs', 'create-log-stream', *names)
        time.sleep(PAUSE)

def logs():
    with open('/var/lib/cloud/data/instance-id') as file:
        stream = SERVICE['stream'] + file.read().strip()
    ends = []
    signal.signal(signal.SIGTERM, lambda *_: ends.append(True))
    at = load(SENT) if os.path.exists(SENT) else 0
    hole = at
    with open(LOG, 'rb') as file:
        file.seek(at)
        while True:
            is_last = bool(ends)
            events = batch(file)
            send(events, stream)
            if events:
                with open(SENT, 'w') as kept:
                    json.dump(file.tell(), kept)
            if file.tell() - hole > HOLE:
                hole = file.tell()
                subprocess.run(['fallocate', '--punch-hole', '--offset', '0', '--length', str(hole), LOG])
            if not events and is_last:
                return
            if not events:
                time.sleep(PAUSE)

{
    'values': values,
    'install': install,
    'start': lambda: start(SERVICE['command'], SERVICE['workingDir']),
    'exec': lambda: start(sys.argv[2:], SERVICE['workingDir']),
    'logs': logs,
}[sys.argv[1]]()
`;
