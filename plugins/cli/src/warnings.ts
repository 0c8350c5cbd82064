/** A warning of Node's or oclif's in one line. oclif warns of a plugin that it can't read with a stack, and hides the reason in details. */
export function briefWarning(warning: Error): string {
  const detail = 'detail' in warning ? String(warning.detail) : '';
  const missing = /^could not find package\.json with \{[^]*?name: '([^']+)'/.exec(warning.message)?.[1];
  if (missing !== undefined)
    return `plugin ${missing} is listed, but not installed: clusternator plugins uninstall ${missing}`;
  const plugin = /^plugin: (.*)$/m.exec(detail)?.[1];
  const reason = /^message: (.*)$/m.exec(detail)?.[1] ?? warning.message.split('\n', 1)[0] ?? '';
  return plugin === undefined ? reason : `plugin ${plugin} can't be used: ${reason}`;
}
