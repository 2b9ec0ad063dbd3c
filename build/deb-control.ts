// What the Debian package says of itself. deb-control(5)

import { oldestSystemd } from "../src/service/systemd.ts";

export interface DebParts {
  readonly version: string;
  /** Debian's name of the processor: amd64, arm64. */
  readonly architecture: string;
  /** What it takes when it is unpacked. */
  readonly kilobytes: number;
}

export const debControl = ({ version, architecture, kilobytes }: DebParts): string => `Package: porchlight
Version: ${version}
Architecture: ${architecture}
Maintainer: Porchlight <porchlight@localhost>
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.28), libstdc++6, libatomic1, systemd (>= ${oldestSystemd})
Recommends: ca-certificates
Suggests: bluez
Section: net
Priority: optional
Description: makes a lamp belong to a person
 Signs the board in by a code that a person approves on their phone, joins an
 MQTT broker with a token that binds person and board, and drives a lamp over
 GPIO, PWM, Bluetooth or an Arduino for its owner.
`;
