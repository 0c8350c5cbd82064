/** This package's version, as providers' `sdk` ranges mean it. A test compares it with package.json. */
export const CORE_VERSION = '0.1.0';
