// A certificate for 127.0.0.1 that nobody trusts unless told to, and its key; good for nothing but these tests.
export const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBpjCCAUugAwIBAgIULSiezZd3vu7vPaf5CC8v6Dm1f6owCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOZ2F0ZWhvdXNlIHRlc3QwIBcNMjYxMTIxMDcyNzQ1WhgPMjEy
NjEwMjgwNzI3NDVaMBkxFzAVBgNVBAMMDmdhdGVob3VzZSB0ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEpsV1aIpUSWh8FOmuu1lC2uIuaEGsUt60Dc50YUCL
/uC8LifnDM7KFgw8uDBK/b46NVd/iwqqi23HvwS/70QKLqNvMG0wHQYDVR0OBBYE
FIkyDnrkaeWME32gj9y6uTaqVsoXMB8GA1UdIwQYMBaAFIkyDnrkaeWME32gj9y6
uTaqVsoXMA8GA1UdEwEB/wQFMAMBAf8wGgYDVR0RBBMwEYcEfwAAAYIJbG9jYWxo
b3N0MAoGCCqGSM49BAMCA0kAMEYCIQDJrwK32gwGPoGTDZkGNnHHzHoIaNvJYxHw
zwgZBWFn8gIhAPZ2KA8fOPBUOM9UhdBavAythBny4nQMpaeAeLUENp+R
-----END CERTIFICATE-----
`;

/** PKCS #8, in the form that TLS takes. */
export const testKey = toPem(
  "PRIVATE KEY",
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgo7hP9SXXz04mnKPKcgCvTWVPlnqRdKtLw7A6XagX4KqhRANCAASmxXVoilRJaHwU6a67WULa4i5oQaxS3rQNznRhQIv+4LwuJ+cMzsoWDDy4MEr9vjo1V3+LCqqLbce/BL/vRAou",
);

function toPem(label: string, base64: string): string {
  const lines = base64.replace(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
