import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** PEM files of a certificate authority made for one run, and of what it signed. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  /** For the board: its common name is the device id. */
  readonly client: { readonly cert: string; readonly key: string };
  /** As `client`, but signed by an authority that nobody here trusts. */
  readonly stranger: { readonly cert: string; readonly key: string };
}

const openssl = (...args: string[]): void => {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
};

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];

/** Makes a certificate authority in `folder` and signs a server's (127.0.0.1, localhost) and a client's certificate. */
export const makeCertificates = (folder: string, deviceId: string): Certificates => {
  const at = (name: string): string => join(folder, name);
  const authority = (name: string, commonName: string): void =>
    openssl(
      ...["req", "-x509", ...newKey, "-days", "2", "-subj", `/CN=${commonName}`],
      ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
      ...["-keyout", at(`${name}.key`), "-out", at(`${name}.pem`)],
    );
  const signed = (
    name: string,
    issuer: string,
    commonName: string,
    extensions: string,
  ): { cert: string; key: string } => {
    writeFileSync(at(`${name}.ext`), extensions);
    openssl(
      "req",
      ...newKey,
      "-subj",
      `/CN=${commonName}`,
      "-keyout",
      at(`${name}.key`),
      "-out",
      at(`${name}.csr`),
    );
    openssl(
      ...["x509", "-req", "-in", at(`${name}.csr`), "-days", "2", "-extfile", at(`${name}.ext`)],
      ...[
        "-CA",
        at(`${issuer}.pem`),
        "-CAkey",
        at(`${issuer}.key`),
        "-CAcreateserial",
        "-out",
        at(`${name}.pem`),
      ],
    );
    return { cert: at(`${name}.pem`), key: at(`${name}.key`) };
  };
  authority("ca", "Test authority of one run");
  authority("other-ca", "Somebody else");
  return {
    ca: at("ca.pem"),
    server: signed(
      "server",
      "ca",
      "localhost",
      "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n",
    ),
    client: signed("client", "ca", deviceId, "extendedKeyUsage=clientAuth\n"),
    stranger: signed("stranger", "other-ca", deviceId, "extendedKeyUsage=clientAuth\n"),
  };
};

export const pem = (file: string): string => readFileSync(file, "utf8");
