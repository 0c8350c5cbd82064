import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ensureBaseImage } from '../e2e/src/base-image.ts';
import { Cloud } from '../e2e/src/cloud.ts';
import { installProvider } from '../e2e/src/install-provider.ts';
import { atMost, median, ms, ratioOf, report, run, takeTurns } from './measure.mjs';
import { slowWire, tellSteps } from './wire.mjs';

const ZONE = 'shop.example';
const LATENCY_MILLISECONDS = 100;
const ROUNDS = 3;

const AWS = '{ name: aws, region: us-east-1 }';
const config = (service, provider = AWS) => `project: PROJECT
provider: ${provider}
domain: ${ZONE}
services:
  web: { ${service}, port: 8080, route: /, health: { path: /ready } }
slots:
  master: { standbys: 1 }
`;
const DOCKERFILE = `FROM clusternator/example-base:1
COPY www /www
EXPOSE 8080
STOPSIGNAL SIGKILL
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
`;

/** The commands on MiniStack with a data plane: through a wire that is slow, beside Terraform, and what they take of memory and start-up. */
export async function aws(sandbox, tool) {
  ensureBaseImage();
  const cloud = await Cloud.open('ministack', ZONE);
  const wire = await slowWire(cloud.plane.endpoint);
  try {
    const repository = await sandbox.repositoryOf({
      'clusternator.config.yaml': config('build: .'),
      Dockerfile: DOCKERFILE,
      '.gitignore': 'node_modules/\n',
      'www/ready': '',
    });
    cloud.serve(sandbox);
    Object.assign(sandbox.env, { AWS_ENDPOINT_URL: wire.url, AWS_REGION: 'us-east-1' });
    await installProvider(sandbox);
    const commit = async (version) => {
      await repository.write('www/version.txt', version);
      return repository.commit(version);
    };
    await verbs(sandbox, wire, commit);
    await besideTerraform(sandbox, repository, commit);
    await memoryOfCreate(sandbox, tool, commit);
    await startUp(sandbox, tool);
  } finally {
    wire.close();
    await cloud[Symbol.asyncDispose]();
  }
}

/** Of a command that has to succeed, however long it takes. */
async function answer(sandbox, ...args) {
  const { data, outcome, error } = await sandbox.json(args, { timeoutSeconds: 600 });
  if (outcome.code !== 0) throw new Error(`${args.join(' ')}: ${error?.message}`);
  return data;
}

const create = async (sandbox, sha) => (await answer(sandbox, 'env', 'create', '--sha', sha)).environment;

/** What a command took, in milliseconds, and which of its calls came one after another. */
async function timed(wire, milliseconds, work) {
  wire.delay(milliseconds);
  const started = performance.now();
  await work();
  const took = performance.now() - started;
  wire.delay(0);
  return { took, steps: wire.steps() };
}

/** What each call's 100 ms add to a verb, over what they would add were nothing waited for but calls that need each other. */
async function verbs(sandbox, wire, commit) {
  const taken = {};
  const note = async (delay, verb, work) => {
    const { took, steps } = await timed(wire, delay, work);
    taken[verb] ??= { 0: [], [LATENCY_MILLISECONDS]: [] };
    taken[verb][delay].push(took);
    const { fewest = steps } = taken[verb];
    if (delay > 0) taken[verb].fewest = fewest.length <= steps.length ? fewest : steps;
  };
  await note(LATENCY_MILLISECONDS, 'foundation create', () => answer(sandbox, 'foundation', 'create'));
  await note(LATENCY_MILLISECONDS, 'foundation destroy', () => answer(sandbox, 'foundation', 'destroy', '--yes'));
  await note(0, 'foundation create', () => answer(sandbox, 'foundation', 'create'));
  await note(0, 'foundation destroy', () => answer(sandbox, 'foundation', 'destroy', '--yes'));
  const first = await create(sandbox, await commit('first'));
  const second = await create(sandbox, await commit('second'));
  await answer(sandbox, 'promote', first.id, 'master');
  for (let round = 0; round < ROUNDS; round += 1)
    for (const delay of [0, LATENCY_MILLISECONDS]) {
      const sha = await commit(`verbs-${round}-${delay}`);
      await note(delay, 'env create', () => create(sandbox, sha));
      await note(delay, 'env destroy', () => answer(sandbox, 'env', 'destroy', sha, '--yes'));
      await note(delay, 'promote', () => answer(sandbox, 'promote', second.id, 'master'));
      await note(delay, 'rollback', () => answer(sandbox, 'rollback', 'master'));
    }
  for (const [verb, { fewest, ...times }] of Object.entries(taken)) {
    const depth = fewest.length;
    const added = median(times[LATENCY_MILLISECONDS]) - median(times[0]);
    report(
      `${verb}, 100 ms a call`,
      ms(median(times[LATENCY_MILLISECONDS])),
      `${depth} calls deep, and ${ms(median(times[0]))} without`,
      added / (depth * LATENCY_MILLISECONDS),
      // What is added can't be less than most of its calls; where it seems so, what else the machine did weighs more.
      { ...atMost(1.15), isHidden: (ratio) => ratio < 0.5 },
    );
    for (const line of tellSteps(fewest)) console.log(line);
  }
}

const HCL = `terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region = "us-east-1"
  skip_metadata_api_check = true
}
variable "on" {
  type = object({
    vpc = string, cluster = string, listener = string, role = string, subnets = list(string), group = string
  })
}
variable "name" { type = string }
variable "image" { type = string }
resource "aws_ecs_task_definition" "web" {
  family = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode = "awsvpc"
  cpu = 512
  memory = 1024
  execution_role_arn = var.on.role
  container_definitions = jsonencode([{
    name = "web", image = var.image, essential = true, memory = 1024, portMappings = [{ containerPort = 8080 }]
  }])
}
resource "aws_lb_target_group" "web" {
  name = var.name
  port = 8080
  protocol = "HTTP"
  target_type = "ip"
  vpc_id = var.on.vpc
  health_check { path = "/ready" }
}
resource "aws_lb_listener_rule" "web" {
  listener_arn = var.on.listener
  action {
    type = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
  condition {
    host_header { values = ["\${var.name}.${ZONE}"] }
  }
}
resource "aws_ecs_service" "web" {
  name = var.name
  cluster = var.on.cluster
  task_definition = aws_ecs_task_definition.web.arn
  desired_count = 1
  launch_type = "FARGATE"
  wait_for_steady_state = true
  network_configuration {
    subnets = var.on.subnets
    security_groups = [var.on.group]
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.web.arn
    container_name = "web"
    container_port = 8080
  }
  depends_on = [aws_lb_listener_rule.web]
}
`;

/**
 * The same services of one image that is in the registry already, made on the same foundation, until they are steady. Ours answers by then, too.
 * Some of Terraform's time is its waiting for a steady service, after which it looks every few seconds only.
 */
async function besideTerraform(sandbox, repository, commit) {
  const folder = path.join(sandbox.folder, 'terraform');
  await mkdir(folder);
  await writeFile(path.join(folder, 'main.tf'), HCL);
  const options = { cwd: folder, env: { ...process.env, ...terraformEnv(sandbox.env) } };
  const reason = await run('terraform', ['init', '-input=false', '-no-color'], options).then(
    () => undefined,
    ({ message }) => /Error: (.*)/.exec(message)?.[1] ?? message.split('\n')[0],
  );
  if (reason !== undefined) {
    console.log(`aws, beside Terraform: left out (terraform init, with its AWS provider: ${reason})`);
    return;
  }
  const [{ digest: image }] = (await create(sandbox, await commit('image'))).services;
  const { outputs } = (await answer(sandbox, 'foundation', 'show')).foundation;
  await repository.write('clusternator.config.yaml', config(`image: '${image}'`).replace('PROJECT', sandbox.project));
  const commits = [];
  for (let round = 0; round <= ROUNDS; round += 1) commits.push(await commit(`beside-${round}`));
  const on = {
    vpc: outputs.vpc,
    cluster: outputs.cluster,
    listener: outputs.loadBalancer.https,
    role: outputs.roles.execution,
    subnets: outputs.tasks.subnets,
    group: outputs.securityGroups.app,
  };
  await writeFile(path.join(folder, 'terraform.tfvars.json'), JSON.stringify({ on, image }));
  const apply = (verb, round) => [
    verb,
    '-auto-approve',
    '-input=false',
    `-state=${round}.tfstate`,
    `-var=name=b-${round}`,
  ];
  const times = await takeTurns(ROUNDS, {
    ours: (round) => create(sandbox, commits[round]),
    terraform: (round) => run('terraform', apply('apply', round), options),
  });
  const peer = `terraform apply: ${ms(median(times.terraform))}`;
  report('env create of an image', ms(median(times.ours)), peer, ratioOf(times.ours, times.terraform), atMost(1));
  for (let round = 0; round <= ROUNDS; round += 1) await run('terraform', apply('destroy', round), options);
}

/** It asks the emulator itself: the proxy is for the names of what was made. */
function terraformEnv({ AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }) {
  return { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, CHECKPOINT_DISABLE: '1' };
}

/** The most that the process of a create held, by the kernel's own count. */
async function memoryOfCreate(sandbox, tool, commit) {
  const sha = await commit('memory');
  const bin = path.join(tool, 'node_modules', '.bin', 'clusternator');
  let most = 0;
  const watching = new AbortController();
  const watch = async (pid) => {
    while (!watching.signal.aborted) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      most = Math.max(most, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      await sleep(20);
    }
  };
  const options = { cwd: sandbox.cwd, env: sandbox.env };
  await run(bin, ['env', 'create', '--sha', sha], { ...options, onStart: ({ pid }) => void watch(pid) });
  watching.abort();
  report('memory of env create', `${most.toFixed(0)} MB`, 'aim: 160 MB', most / 160, atMost(1));
}

/** The config's provider is loaded for the answer of `config validate`, its SDK is not. */
async function startUp(sandbox, tool) {
  const bin = path.join(tool, 'node_modules', '.bin', 'clusternator');
  const projects = {};
  for (const provider of ['local', 'aws']) {
    const project = `${sandbox.project}-${provider}`;
    const file = path.join(sandbox.cwd, `${provider}.yaml`);
    await writeFile(file, config('build: .', provider === 'aws' ? AWS : provider).replace('PROJECT', project));
    projects[provider] = () =>
      run(bin, ['config', 'validate', '--config', file], { cwd: sandbox.cwd, env: sandbox.env });
  }
  const times = await takeTurns(11, projects);
  report(
    'config validate, provider aws',
    ms(median(times.aws)),
    `provider local: ${ms(median(times.local))}`,
    ratioOf(times.aws, times.local),
    atMost(2),
  );
}
