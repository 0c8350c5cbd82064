import { ProviderError, type ErrorCode, type ErrorDetail } from '@clusternator/core/provider';

/** As the SDK throws it. @see https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/error-handling.html */
interface AwsError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  /** Of Node, where a name was not found. */
  readonly hostname?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** For whoever is not known to AWS. */
export const CREDENTIALS =
  'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws sso login; aws sts get-caller-identity shows who you are';

const DENIED = 'allow what this lists for the command: clusternator provider permissions aws';
const OTHER_REGION =
  'name the region that the bucket is in: aws s3api get-bucket-location --bucket <bucket>; without one in the config it is AWS_REGION’s';
const NO_REGION = {
  path: 'provider.region',
  hint: 'write provider: { name: aws, region: <region> }, or set AWS_REGION; aws account list-regions shows those that there are',
  effect: 'none',
} as const;
const FOUNDATION = 'clusternator foundation create makes what all environments of the stage share';
const CROWDED =
  'destroy environments that nobody needs: clusternator env list, clusternator gc; a load balancer takes 100 target groups and 100 rules';

/** By the names that the services give. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-standard-errors.html */
const BY_NAME: Readonly<Record<string, readonly [ErrorCode, ErrorDetail?]>> = {
  AccessDenied: ['denied', { hint: DENIED }],
  AccessDeniedException: ['denied', { hint: DENIED }],
  AccessPointLimitExceeded: ['quota'],
  AccountLimitExceededException: ['quota'],
  AddressLimitExceeded: ['quota'],
  AuthFailure: ['unauthenticated', { hint: CREDENTIALS }],
  // Of S3: a bucket of another region, which it asks to be called by its own endpoint.
  AuthorizationHeaderMalformed: ['denied', { hint: OTHER_REGION }],
  BucketAlreadyExists: ['owned-by-other'],
  CannotDeleteEntityWhileInUse: ['conflict', { effect: 'none' }],
  ClusterContainsContainerInstancesException: ['conflict', { effect: 'none' }],
  ClusterContainsServicesException: ['conflict', { effect: 'none' }],
  ClusterContainsTasksException: ['conflict', { effect: 'none' }],
  ClusterNotFoundException: ['not-found', { hint: FOUNDATION }],
  CNAMEAlreadyExists: [
    'owned-by-other',
    { hint: 'a name right below the domain is another distribution’s: remove it there' },
  ],
  ConcurrentSnapshotLimitExceeded: ['quota'],
  ConditionalRequestConflict: ['conflict', { effect: 'none' }],
  ConflictException: ['conflict', { effect: 'none' }],
  CredentialsProviderError: ['unauthenticated', { effect: 'none', hint: CREDENTIALS }],
  DBInstanceNotFound: ['not-found'],
  DBSnapshotNotFound: ['not-found'],
  DBSubnetGroupQuotaExceeded: ['quota'],
  DistributionAlreadyExists: ['conflict', { effect: 'none' }],
  DistributionNotDisabled: ['conflict', { effect: 'none' }],
  DuplicateLoadBalancerName: ['conflict', { effect: 'none' }],
  DuplicateTargetGroupNameException: ['conflict', { effect: 'none' }],
  EntityAlreadyExists: ['conflict', { effect: 'none' }],
  EntityAlreadyExistsException: ['conflict', { effect: 'none' }],
  EntityLimitExceeded: ['quota'],
  EntitySizeLimitExceeded: ['quota'],
  ExpiredToken: ['unauthenticated', { hint: CREDENTIALS }],
  ExpiredTokenException: ['unauthenticated', { hint: CREDENTIALS }],
  FileSystemInUse: ['conflict', { effect: 'none' }],
  FileSystemLimitExceeded: ['quota'],
  FileSystemNotFound: ['not-found'],
  FunctionAlreadyExists: ['conflict', { effect: 'none' }],
  FunctionInUse: ['conflict', { effect: 'none' }],
  IncompleteSignature: ['unauthenticated', { hint: CREDENTIALS }],
  IncorrectFileSystemLifeCycleState: ['conflict', { effect: 'none' }],
  IncorrectModificationState: ['conflict', { effect: 'none' }],
  InstanceQuotaExceeded: ['quota'],
  InsufficientDBInstanceCapacity: ['unavailable', { effect: 'none' }],
  InsufficientThroughputCapacity: ['unavailable', { effect: 'none' }],
  InternetGatewayLimitExceeded: ['quota'],
  InvalidAccessKeyId: ['unauthenticated', { hint: CREDENTIALS }],
  InvalidClientTokenId: ['unauthenticated', { hint: CREDENTIALS }],
  InvalidDBInstanceState: ['conflict', { effect: 'none' }],
  InvalidDBSnapshotState: ['conflict', { effect: 'none' }],
  InvalidIfMatchVersion: ['conflict', { effect: 'none' }],
  InvalidInput: ['invalid'],
  InvalidParameterCombination: ['invalid'],
  InvalidRestore: ['invalid'],
  'InvalidSnapshot.InUse': ['conflict', { effect: 'none' }],
  'InvalidSnapshot.NotFound': ['not-found'],
  'InvalidSubnet.Conflict': ['conflict', { effect: 'none' }],
  'InvalidVolume.NotFound': ['not-found'],
  LimitExceeded: ['quota'],
  LimitExceededException: ['quota'],
  LimitsExceeded: ['quota'],
  ListenerNotFoundException: ['not-found', { hint: FOUNDATION }],
  LoadBalancerNotFoundException: ['not-found', { hint: FOUNDATION }],
  NamespaceNotFound: ['not-found', { hint: FOUNDATION }],
  NatGatewayLimitExceeded: ['quota'],
  NetworkInterfaceLimitExceeded: ['quota'],
  NoFreeAddressesInSubnet: ['quota'],
  NoSuchBucket: ['not-found', { hint: FOUNDATION }],
  NoSuchHostedZone: ['not-found'],
  OriginAccessControlAlreadyExists: ['conflict', { effect: 'none' }],
  OriginAccessControlInUse: ['conflict', { effect: 'none' }],
  PendingSnapshotLimitExceeded: ['quota'],
  PermanentRedirect: ['denied', { hint: OTHER_REGION }],
  PointInTimeRestoreNotEnabled: ['unsupported', { hint: 'set databaseBackupDays' }],
  PreconditionFailed: ['conflict', { effect: 'none' }],
  PriorityInUseException: ['conflict', { effect: 'none' }],
  // Another change of the same zone is being taken in. Nothing of this one was.
  PriorRequestNotComplete: ['throttled', { effect: 'none' }],
  RepositoryAlreadyExistsException: ['conflict', { effect: 'none' }],
  RepositoryNotFoundException: ['not-found', { hint: FOUNDATION }],
  RequestExpired: ['unauthenticated', { hint: 'the clock of this machine is wrong, or the credentials have expired' }],
  RequestLimitExceeded: ['throttled', { effect: 'none' }],
  RequestTimeTooSkewed: ['unauthenticated', { hint: 'the clock of this machine is wrong' }],
  ResourceAlreadyExistsException: ['conflict', { effect: 'none' }],
  ResourceContention: ['throttled', { effect: 'none' }],
  ResourceInUse: ['conflict', { effect: 'none' }],
  ResourceInUseException: ['conflict', { effect: 'none' }],
  ResourceLimitExceeded: ['quota'],
  RouteTableLimitExceeded: ['quota'],
  RuleNotFoundException: ['not-found'],
  ScalingActivityInProgress: ['conflict', { effect: 'none' }],
  SecurityGroupLimitExceeded: ['quota'],
  ServiceNotActiveException: ['not-found'],
  ServiceNotFoundException: ['not-found'],
  ServiceQuotaExceededException: ['quota'],
  SignatureDoesNotMatch: ['unauthenticated', { hint: CREDENTIALS }],
  SlowDown: ['throttled', { effect: 'none' }],
  SnapshotCreationPerVolumeRateExceeded: ['throttled', { effect: 'none' }],
  SnapshotLimitExceeded: ['quota'],
  SnapshotQuotaExceeded: ['quota'],
  StorageQuotaExceeded: ['quota'],
  SubnetLimitExceeded: ['quota'],
  TargetGroupNotFoundException: ['not-found'],
  Throttling: ['throttled', { effect: 'none' }],
  ThrottlingException: ['throttled', { effect: 'none' }],
  TooManyBuckets: ['quota'],
  TooManyCertificatesException: [
    'quota',
    { hint: 'a load balancer takes 25: give slots fewer names outside of the domain' },
  ],
  TooManyDistributions: ['quota'],
  TooManyFunctions: ['quota'],
  TooManyLoadBalancers: ['quota'],
  TooManyOriginAccessControls: ['quota'],
  TooManyRequestsException: ['throttled', { effect: 'none' }],
  TooManyRulesException: ['quota', { hint: CROWDED }],
  TooManyTargetGroupsException: ['quota', { hint: CROWDED }],
  TooManyUniqueTargetGroupsPerLoadBalancerException: ['quota', { hint: CROWDED }],
  UnauthorizedOperation: ['denied', { hint: DENIED }],
  UnrecognizedClientException: ['unauthenticated', { hint: CREDENTIALS }],
  UpdateInProgressException: ['conflict', { effect: 'none' }],
  VolumeInUse: ['conflict', { effect: 'none' }],
  VolumeLimitExceeded: ['quota'],
  VolumeModificationRateExceeded: ['quota', { hint: 'a volume of EBS changes once in six hours' }],
  VpcEndpointLimitExceeded: ['quota'],
  VpcLimitExceeded: ['quota'],
};
/** Of Node, where no answer came: the request may have. */
const UNANSWERED = /^(?:ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE|ENOTFOUND)/;
/** A name that AWS has for each of its regions. @see https://docs.aws.amazon.com/general/latest/gr/rande.html */
const REGIONAL = /\.[a-z]{2,}(?:-[a-z]+)+-\d+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/;
/** Those of them for which nothing was sent. */
const UNSENT = /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND)$/;

/** What AWS, its SDK or the network said. Undefined: it is none of theirs. */
export function errorOf(cause: unknown): ProviderError | undefined {
  if (!isAwsError(cause)) return undefined;
  const { name, message, $metadata } = cause;
  const status = $metadata?.httpStatusCode;
  const requestId = $metadata?.requestId;
  const detail = { cause, ...(requestId !== undefined && { requestId }), ...retryAfter(cause) };
  const [code, more] = BY_NAME[name] ?? BY_NAME[name.replace(/Fault$/, '')] ?? [];
  if (code) return new ProviderError(code, `AWS says ${name}: ${message}`, { ...more, ...detail });
  if (message === 'Region is missing')
    return new ProviderError('invalid', 'no region is known', { ...NO_REGION, cause });
  if (status === undefined) return unanswered(cause, detail);
  if (status === 429)
    return new ProviderError('throttled', `AWS says ${name}: ${message}`, { effect: 'none', ...detail });
  if (status >= 500) return new ProviderError('unavailable', `AWS says ${name}: ${message}`, detail);
  if (status === 401)
    return new ProviderError('unauthenticated', `AWS says ${name}: ${message}`, { hint: CREDENTIALS, ...detail });
  if (status === 403) return new ProviderError('denied', `AWS says ${name}: ${message}`, { hint: DENIED, ...detail });
  if (status === 400) return new ProviderError('invalid', `AWS says ${name}: ${message}`, detail);
  return new ProviderError('internal', `AWS answered ${String(status)}, ${name}: ${message}`, detail);
}

function unanswered(cause: AwsError, detail: ErrorDetail): ProviderError | undefined {
  const { code = '', name, message, hostname = '' } = cause;
  if (code === 'ENOTFOUND' && REGIONAL.test(hostname)) {
    return new ProviderError('denied', `there is no ${hostname}: its region is misspelt, or names are not found here`, {
      ...NO_REGION,
      ...detail,
      retry: 'never',
    });
  }
  const isLate = name === 'TimeoutError';
  if (!isLate && !UNANSWERED.test(code)) return undefined;
  return new ProviderError('unavailable', `AWS does not answer: ${message || code}`, {
    ...detail,
    effect: UNSENT.test(code) ? 'none' : 'unknown',
  });
}

function retryAfter({ $response }: AwsError): Pick<ErrorDetail, 'retryAfterSeconds'> {
  const seconds = Number($response?.headers?.['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) ? { retryAfterSeconds: seconds } : {};
}

function isAwsError(value: unknown): value is AwsError {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}
