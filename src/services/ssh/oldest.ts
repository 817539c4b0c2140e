/** Oldest OpenSSH, as major.minor, that autopod is willing to work with: it knows every option it is given. */
export const OLDEST_OPENSSH = '8.0';
