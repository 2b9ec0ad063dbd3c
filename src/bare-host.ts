/** The host of an address as sockets and certificates take it: an IPv6 address without its brackets (RFC 3986 section 3.2.2). */
export const bareHost = ({ hostname }: Pick<URL, "hostname">): string => hostname.replace(/^\[(.*)\]$/, "$1");
