import type { Clients } from '../clients.ts';
import { countsOf, thingsOf } from './things.ts';

/** How many there are of everything in the account, by the cloud's own lists. */
export function inventory(raw: Clients): Promise<Readonly<Record<string, number>>> {
  return countsOf(thingsOf(raw));
}

/** The ARNs of what has our tags, by the tagging API. */
export async function taggedThings(url: string): Promise<readonly string[]> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'ResourceGroupsTaggingAPI_20170126.GetResources',
      authorization:
        'AWS4-HMAC-SHA256 Credential=kit/20260101/us-east-1/tagging/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify({ TagFilters: [{ Key: 'clusternator_project' }] }),
  });
  const { ResourceTagMappingList } = (await answer.json()) as { ResourceTagMappingList: { ResourceARN: string }[] }; // the API's own shape
  return ResourceTagMappingList.map(({ ResourceARN }) => ResourceARN).sort();
}
