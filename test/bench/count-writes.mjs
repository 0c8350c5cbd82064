/** Loaded into a program: counts the commits of its embedded state until it tells the daemon to flip. */
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync } from 'node:sqlite';

let commits = 0;
let untilFlip;
const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function counted(sql) {
  if (sql === 'COMMIT') commits += 1;
  return exec.call(this, sql);
};
const { request } = http;
http.request = (...args) => {
  if (args[0]?.method === 'PUT' && args[0].path?.endsWith('/routes')) untilFlip ??= commits;
  return request(...args);
};
syncBuiltinESMExports();

/** Commits up to the flip since it was called before. */
globalThis.countFlip = () => {
  const counted = untilFlip;
  commits = 0;
  untilFlip = undefined;
  return counted;
};
