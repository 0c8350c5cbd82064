import type { CertificateDetail, CertificateStatus } from '@aws-sdk/client-acm';
import type { RecordSet } from '@clusternator/core/provider';

/** @see https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html (IdempotencyToken: \w, 32 characters) */
const TOKEN_MAX_LENGTH = 32;
const RECORD_TTL_SECONDS = 300;

/** What there is of a certificate that AWS makes. It is good once its record is in the DNS, and renewed as long as it is there. */
export interface ToldCertificate {
  readonly arn: string;
  readonly phase: 'creating' | 'active' | 'failed';
  /** Why it is not active. */
  readonly message?: string;
  /** AWS tells it some seconds after the request. A domain and its wildcard have one for both. */
  readonly record?: RecordSet;
}

export function tellCertificate(found: CertificateDetail): ToldCertificate {
  const { CertificateArn: arn = '', DomainName = '', Status, FailureReason = '', DomainValidationOptions } = found;
  const phase = phaseOf(Status);
  const record = DomainValidationOptions?.find(({ ResourceRecord }) => ResourceRecord)?.ResourceRecord;
  return {
    arn,
    phase,
    ...(phase !== 'active' && {
      message: `the certificate for ${DomainName} is ${Status ?? ''} ${FailureReason}`.trim(),
    }),
    ...(record && {
      record: {
        name: withoutDot(record.Name),
        type: 'CNAME',
        ttlSeconds: RECORD_TTL_SECONDS,
        values: [withoutDot(record.Value)],
      },
    }),
  };
}

/** What a request for a certificate is known by for an hour. */
export function certificateToken(token: string): string {
  return token.replaceAll('-', '').slice(0, TOKEN_MAX_LENGTH);
}

function phaseOf(status: CertificateStatus | undefined): ToldCertificate['phase'] {
  if (status === 'ISSUED') return 'active';
  return status === 'PENDING_VALIDATION' || status === undefined ? 'creating' : 'failed';
}

function withoutDot(name = ''): string {
  return name.replace(/\.$/, '').toLowerCase();
}
