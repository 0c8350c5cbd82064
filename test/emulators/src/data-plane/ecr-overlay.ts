import type { Repository } from '@aws-sdk/client-ecr';
import { json, type Answer, type Asked } from './exchange.ts';

const HOURS_VALID = 12;
const HOUR_MILLISECONDS = 3_600_000;

/** Leads those who push and pull to a real registry. It asks for no password, and takes any. */
export function ecrAnswer({ action }: Asked, answer: Answer, registry: string): Answer {
  const said: Readonly<Record<string, unknown>> = JSON.parse(answer.body.toString());
  const moved = (repository: Repository): Repository => ({
    ...repository,
    repositoryUri: `${registry}/${String(repository.repositoryName)}`,
  });
  switch (action) {
    case 'ecr.GetAuthorizationToken': {
      const expiresAt = new Date(Date.now() + HOURS_VALID * HOUR_MILLISECONDS);
      const authorizationToken = Buffer.from('AWS:data-plane').toString('base64');
      return json(answer, {
        authorizationData: [{ authorizationToken, expiresAt, proxyEndpoint: `http://${registry}` }],
      });
    }
    case 'ecr.DescribeRepositories':
      return json(answer, { ...said, repositories: (said.repositories as Repository[]).map(moved) }); // its shape
    case 'ecr.CreateRepository':
    case 'ecr.DeleteRepository':
      return json(answer, { ...said, repository: moved(said.repository as Repository) }); // its shape
    default:
      return answer;
  }
}
