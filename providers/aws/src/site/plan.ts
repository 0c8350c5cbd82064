import { ProviderError, type EnvironmentSpec, type Problem } from '@clusternator/core/provider';

/** What environments of sites don't take. Pure. */
export function problemsOf({ services, sites }: EnvironmentSpec): readonly Problem[] {
  const problems: Problem[] = Object.keys(services).map((service) => ({
    path: `services.${service}`,
    capability: 'environments.images',
    message: 'nothing runs beside sites: take kind: containers, and serve the files from one',
  }));
  if (Object.keys(sites).length === 0) problems.push({ path: 'sites', message: 'it has no site' });
  const natives = Object.entries(sites).filter(([, { native }]) => native !== undefined);
  for (const [site] of natives) {
    problems.push({ path: `sites.${site}.native`, message: 'a site has nothing of its own on AWS but files' });
  }
  return problems;
}

/** CloudFront answers for names right below the domain alone. @throws ProviderError `unsupported`. */
export function refuseHosts(hosts: readonly string[], domain: string, path: string): void {
  for (const host of hosts) {
    if (host.endsWith(`.${domain}`) && !host.slice(0, -domain.length - 1).includes('.')) continue;
    throw new ProviderError('unsupported', `${host} is not right below ${domain}, which the certificate is for`, {
      path,
      hint: 'leave the host out: the slot then has a name of the domain; or let it lead there by a redirect of its own',
    });
  }
}
