// Which systemd the service needs, and which one a system has. Pure.

/**
 * The oldest systemd that starts porchlight.service as it is written (files.ts). Version 251 brought both that
 * LoadCredential= takes a folder, before it every start ended with 243/CREDENTIALS, and that LoadCredentialEncrypted=
 * without a path looks into /etc/credstore.encrypted.
 */
export const oldestSystemd = 251;

/**
 * The version of the systemd whose own program has these bytes: it names the library that was built with it, wherever that
 * lies (libsystemd-shared-252.so, libsystemd-shared-251.14-2.fc37.so). Undefined where it names none.
 */
export const systemdVersion = (program: Buffer): number | undefined => {
  const digits = /libsystemd-shared-(\d{3,4})(?!\d)/.exec(program.toString("latin1"))?.[1];
  return digits === undefined ? undefined : Number(digits);
};
