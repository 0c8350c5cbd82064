import { FILE_DIGITS, ENVIRONMENT, FILES, HOST, SHARD_DIGITS, SLOT } from './keys.ts';

/**
 * The CloudFront function, in the JavaScript that CloudFront runs: it leads a request to a file in the bucket, by what the key value store says.
 * A host leads to an environment, or to a slot, which leads to one; an environment lists its sites, and all its files by their digests. So what
 * is not there is known without asking the bucket: a folder, a fallback, or a 404.
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-custom-methods.html (a missing key is an error)
 */
export const routerCode = `import cf from 'cloudfront';
import crypto from 'crypto';

const store = cf.kvs();

async function known(key) {
  try {
    return JSON.parse(await store.get(key));
  } catch (error) {
    if (await store.exists(key)) throw error;
    return undefined;
  }
}

function answer(status, description, text, headers) {
  const all = { 'content-type': { value: 'text/plain; charset=utf-8' }, 'cache-control': { value: 'no-cache' } };
  for (const name in headers) all[name] = { value: headers[name] };
  const response = { statusCode: status, statusDescription: description, headers: all };
  if (text !== '') response.body = text + '\\n';
  return response;
}

function notFound(text) {
  return answer(404, 'Not Found', text, {});
}

/** One of the environments that a slot leads to, by their shares; or a standby, by its place. */
function chosen(slot, place) {
  const routes = slot.r.filter((route) => (place === 0 ? route[1] > 0 : route[1] === 0));
  if (place > 0) return routes.length < place ? undefined : routes[place - 1][0];
  let at = Math.random() * 100;
  for (let i = 0; i < routes.length; i++) {
    at -= routes[i][1];
    if (at < 0 || i === routes.length - 1) return routes[i][0];
  }
  return undefined;
}

function segmentsOf(path) {
  const segments = [];
  const raw = path.split('/');
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] === '') continue;
    let segment;
    try {
      segment = decodeURIComponent(raw[i]);
    } catch (error) {
      return undefined;
    }
    if (segment === '.' || segment === '..' || segment.indexOf('/') >= 0) return undefined;
    segments.push(segment);
  }
  return segments;
}

async function isFile(environment, key, file) {
  const digest = crypto.createHash('sha256').update(file).digest('hex');
  const shard = parseInt(digest.slice(0, ${String(SHARD_DIGITS)}), 16) % environment.n;
  const files = await store.get('${FILES}' + key + '.' + shard);
  return files.indexOf(' ' + digest.slice(${String(SHARD_DIGITS)}, ${String(SHARD_DIGITS + FILE_DIGITS)})) >= 0;
}

function lead(request, file) {
  request.uri = '/' + file.split('/').map(encodeURIComponent).join('/');
  request.querystring = {};
  return request;
}

function queryOf(request) {
  const pairs = [];
  for (const name in request.querystring) {
    const one = request.querystring[name];
    const values = one.multiValue ? one.multiValue : [one];
    for (let i = 0; i < values.length; i++) pairs.push(values[i].value === '' ? name : name + '=' + values[i].value);
  }
  return pairs.length === 0 ? '' : '?' + pairs.join('&');
}

async function serve(request, environment, key) {
  const uri = request.uri;
  const site = environment.s.find((one) => one[0] === '/' || uri === one[0] || uri.indexOf(one[0] + '/') === 0);
  if (!site) return notFound('there is nothing here');
  if (request.method === 'OPTIONS') return answer(204, 'No Content', '', { allow: 'GET, HEAD, OPTIONS' });
  const segments = segmentsOf(site[0] === '/' ? uri : uri.slice(site[0].length));
  if (!segments) return answer(400, 'Bad Request', 'the path is not valid', {});
  const path = site[1] + segments.join('/');
  const index = (segments.length === 0 ? site[1] : path + '/') + 'index.html';
  const isFolder = uri.charAt(uri.length - 1) === '/';
  if (!isFolder && segments.length > 0 && (await isFile(environment, key, path))) return lead(request, path);
  if (await isFile(environment, key, index)) {
    if (isFolder) return lead(request, index);
    const location = uri.replace(/^\\/{2,}/, '/') + '/' + queryOf(request);
    return answer(308, 'Permanent Redirect', 'see ' + location, { location: location });
  }
  if (site[2] !== '' && (await isFile(environment, key, site[1] + site[2]))) return lead(request, site[1] + site[2]);
  return notFound('no such file on this site');
}

async function handler(event) {
  const request = event.request;
  if (event.context.eventType === 'viewer-response') {
    event.response.headers['cache-control'] = { value: 'no-cache' };
    event.response.headers['x-content-type-options'] = { value: 'nosniff' };
    return event.response;
  }
  const host = await known('${HOST}' + request.headers.host.value.toLowerCase());
  if (!host) return notFound('there is nothing here');
  let key = host.e;
  if (host.s) {
    const slot = await known('${SLOT}' + host.s);
    key = slot && chosen(slot, host.p);
  }
  const environment = key && (await known('${ENVIRONMENT}' + key));
  if (!environment) return answer(503, 'Service Unavailable', 'nothing is deployed here yet', {});
  return serve(request, environment, key);
}
`;
