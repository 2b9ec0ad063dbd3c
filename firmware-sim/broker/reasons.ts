/** Reason codes this broker uses (MQTT 5 section 2.4). */
export const reason = {
  success: 0x00,
  withWill: 0x04,
  noSubscription: 0x11,
  malformed: 0x81,
  protocolError: 0x82,
  badProtocol: 0x84,
  badCredentials: 0x86,
  notAuthorized: 0x87,
  unavailable: 0x88,
  busy: 0x89,
  shuttingDown: 0x8b,
  keepAlive: 0x8d,
  takenOver: 0x8e,
  badFilter: 0x8f,
  badTopic: 0x90,
  tooManyAhead: 0x93,
  tooLarge: 0x95,
  retainRefused: 0x9a,
  qosRefused: 0x9b,
  sharedRefused: 0x9e,
  wildcardsRefused: 0xa2,
} as const;

/** The MQTT 3.1.1 return code for an MQTT 5 reason code of CONNACK. */
export const returnCode = (code: number): number => {
  switch (code) {
    case reason.success:
      return 0;
    case reason.badProtocol:
      return 1;
    case reason.badCredentials:
      return 4;
    case reason.notAuthorized:
      return 5;
    default:
      return 3;
  }
};
