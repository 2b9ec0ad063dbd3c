import { describe, expect, it } from "vitest";
import { proxyFor } from "../../../src/adapters/proxy.ts";

const chosen = (env: Record<string, string>, url: string): string => {
  const choice = proxyFor(env, new URL(url));
  return choice.kind === "proxy" ? choice.url.href : choice.kind;
};

describe("the proxy for an address", () => {
  const https = "https://org.example";
  it.each([
    [{}, https, "none"],
    [{ HTTPS_PROXY: "http://p.example:3128" }, https, "http://p.example:3128/"],
    [
      { https_proxy: "http://small.example", HTTPS_PROXY: "http://p.example" },
      https,
      "http://small.example/",
    ],
    [{ https_proxy: "", HTTPS_PROXY: "https://p.example" }, https, "https://p.example/"],
    [{ HTTP_PROXY: "http://p.example" }, https, "none"],
    [{ HTTP_PROXY: "http://p.example" }, "http://updates.example", "http://p.example/"],
    [{ HTTPS_PROXY: "http://p.example" }, "http://updates.example", "none"],
    [{ HTTPS_PROXY: "p.example:3128" }, https, "passedOver"],
    [{ HTTPS_PROXY: "socks5://p.example" }, https, "passedOver"],
    [{ HTTPS_PROXY: "http://" }, https, "passedOver"],
    [{ HTTPS_PROXY: "http://50%:a%20b%zz@p.example" }, https, "http://50%25:a%2520b%25zz@p.example/"],
    [{ HTTPS_PROXY: "http://us%40er:p%3Aw@[::1]:1" }, https, "http://us%40er:p%3Aw@[::1]:1/"],
  ] as const)("%j and %s: %s", (env, url, proxy) => {
    expect(chosen(env, url)).toBe(proxy);
  });

  it.each([
    ["", https, true],
    ["other.example,ample", https, true],
    ["*", https, false],
    ["other.example, ORG.example", https, false],
    ["org.example:443", https, false],
    ["org.example:444", https, true],
    ["org.example:444", `${https}:444`, false],
    ["example", https, true],
    [".example", https, false],
    [".org.example", https, false],
    ["*.example", https, false],
    ["*.org.example", https, true],
    [".", https, true],
    ["192.0.2.1-192.0.2.9", "https://192.0.2.7", false],
    ["192.0.2.1 - 192.0.2.9", "https://192.0.2.10", true],
    ["192.0.2.1-192.0.2.9", https, true],
    ["192.0.2.7-", "https://192.0.2.7", true],
    ["2001:db8::7", "https://[2001:db8::7]", false],
    ["[2001:db8::7]:443", "https://[2001:db8::7]", false],
  ])("NO_PROXY %j and %s: through the proxy %s", (NO_PROXY, url, through) => {
    const HTTPS_PROXY = "http://p.example/";
    expect(chosen({ HTTPS_PROXY, NO_PROXY }, url)).toBe(through ? HTTPS_PROXY : "none");
    expect(chosen({ HTTPS_PROXY, NO_PROXY: "", no_proxy: NO_PROXY }, url)).toBe(
      through ? HTTPS_PROXY : "none",
    );
  });

  it.each(["https://localhost:1", "https://127.0.0.1", "https://[::1]:8443"])(
    "is none for the board itself, %s",
    (url) => {
      expect(chosen({ HTTPS_PROXY: "http://p.example" }, url)).toBe("none");
    },
  );
});
