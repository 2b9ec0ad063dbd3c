import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createPerson } from "../../../firmware-sim/person.ts";
import { createBrowser } from "../../../firmware-sim/person-browser.ts";
import { readForms, readText } from "../../../firmware-sim/person-forms.ts";
import { Wire } from "../../../firmware-sim/wire.ts";
import type { Http, HttpRequest, HttpResponse } from "../../../src/ports.ts";

const never = new AbortController().signal;

describe("forms", () => {
  test("send what the page has filled in, with entities read", () => {
    const [form] = readForms(`<form method=post action='/go?a=1&amp;b=2'>
      <input type="hidden" name="csrf" value="a&quot;b"><input name=user>
      <input type="checkbox" name="stay" checked><input type="checkbox" name="news">
      <input type="radio" name="who" value="ada" checked><input type="radio" name="who" value="ben">
      <select name="lang"><option value="en">English<option value="sv" selected>Svenska</select>
      <button name="save" value="1">Sign&nbsp;in</button><button type="button">Help</button></form>`);
    expect(form?.method).toBe("POST");
    expect(form?.action).toBe("/go?a=1&b=2");
    expect(form?.fields.map(({ name, value }) => [name, value])).toEqual([
      ["csrf", 'a"b'],
      ["user", ""],
      ["stay", "on"],
      ["who", "ada"],
      ["lang", "sv"],
    ]);
    expect(form?.buttons).toEqual([{ name: "save", value: "1", label: "Sign in" }]);
  });

  test("also old ones: GET, no action, a submit input, the first option", () => {
    const [form] = readForms(
      "<FORM><select name=s><option>One &#49;</option><option>Two</option></select><select></select><input type=submit></FORM>",
    );
    expect(form).toMatchObject({ method: "GET", action: "" });
    expect(form?.fields).toEqual([{ name: "s", type: "select", value: "One 1" }]);
    expect(form?.buttons).toEqual([{ name: null, value: "Submit", label: "Submit" }]);
  });

  test("text is what a reader sees", () => {
    expect(
      readText("<head><title>x</title></head><style>p{}</style><p>Tom &amp; &#x41;da&hellip;</p> <b>now</b>"),
    ).toBe("Tom & Ada&hellip; now");
  });
});

const answer = (status: number, body = "", headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers,
  body,
});

describe("the browser", () => {
  test("keeps cookies, follows redirects with GET, and forgets a cookie that is taken back", async () => {
    const seen: HttpRequest[] = [];
    const http: Http = async (request) => {
      seen.push(request);
      if (request.url.endsWith("/start"))
        return answer(303, "", {
          location: "/next",
          "set-cookie": "a=1; Path=/; Expires=Wed, 09 Jun 2027 10:18:14 GMT, b=2; HttpOnly",
        });
      return answer(200, "<form method=post><button>Go</button></form>", { "set-cookie": "a=; Max-Age=0" });
    };
    const browser = createBrowser({ http, party: "person" });
    const page = await browser.open("http://org.example/start", never);
    expect(page.url.href).toBe("http://org.example/next");
    expect(seen[1]?.headers?.cookie).toBe("a=1; b=2");
    const [form] = page.forms;
    if (form === undefined) throw new Error("no form");
    await browser.submit(page, form, { extra: "x y" }, form.buttons[0], never);
    expect(seen[2]).toMatchObject({ method: "POST", url: "http://org.example/next", body: "extra=x+y" });
    expect(seen[2]?.headers).toMatchObject({ cookie: "b=2", "x-porchlight-sim-party": "person" });
  });

  test("sends a GET form as a query", async () => {
    const seen: string[] = [];
    const http: Http = async ({ url }) => {
      seen.push(url);
      return answer(
        200,
        "<form action=/find><input name=q value=1><button name=b value=2>Go</button></form>",
      );
    };
    const browser = createBrowser({ http, party: "person" });
    const page = await browser.open("http://org.example/", never);
    const [form] = page.forms;
    if (form === undefined) throw new Error("no form");
    await browser.submit(page, form, {}, form.buttons[0], never);
    expect(seen[1]).toBe("http://org.example/find?q=1&b=2");
  });

  test("stops at the app's own address, and never goes round in circles", async () => {
    const http: Http = async () => answer(302, "", { location: "http://app.example/callback?code=1" });
    const stopping = createBrowser({ http, party: "phone", stopAt: "http://app.example/callback" });
    expect((await stopping.open("http://org.example/", never)).url.search).toBe("?code=1");
    const circling = createBrowser({ http, party: "phone" });
    await expect(circling.open("http://org.example/", never)).rejects.toThrow("in circles");
  });
});

describe("the person", () => {
  const make = (pages: Record<string, string>, end = "") => {
    const clock = new VirtualClock();
    const wire = new Wire(clock);
    const posted: string[] = [];
    const http: Http = async ({ method, url, body }) => {
      const { pathname } = new URL(url);
      if (method === "POST") posted.push(`${pathname} ${body}`);
      const page = pages[pathname];
      return page === undefined ? answer(end === "" ? 200 : 404, end) : answer(200, page);
    };
    return { person: createPerson({ http, wire, username: "ada", password: "pw" }), wire, posted };
  };
  const choice =
    "<p>Code AB12 CD34</p><form method=post action=/end><button name=d value=n>Deny</button><button name=d value=y>Allow</button></form>";
  const shown = { link: "http://org.example/connect", userCode: "AB12CD34" };

  test("signs in where a password is asked for, compares the code, and allows", async () => {
    const { person, posted, wire } = make({
      "/connect":
        "<form method=post action=/login><input name=user_code value=AB12CD34><button>Connect</button></form>",
      "/login":
        "<form method=post action=/choice><input name=username><input type=password name=pw><button>Sign in</button></form>",
      "/choice": choice,
    });
    expect((await person.answerBoard(shown, "allow", never)).kind).toBe("done");
    expect(posted).toEqual(["/login user_code=AB12CD34", "/choice username=ada&pw=pw", "/end d=y"]);
    expect(wire.messages.map(({ title }) => title)).toEqual(["scans the QR code", "compares and allows"]);
  });

  test("presses No when told to", async () => {
    const { person, posted } = make({ "/connect": choice });
    expect((await person.answerBoard(shown, "deny", never)).kind).toBe("done");
    expect(posted).toEqual(["/end d=n"]);
  });

  test("does not allow a page that shows another code than the display", async () => {
    const { person, posted } = make({ "/connect": choice });
    await expect(person.answerBoard({ ...shown, userCode: "ZZ99ZZ99" }, "allow", never)).rejects.toThrow();
    expect(posted).toEqual([]);
  });

  test("tells what the page says where there is nothing to decide, or the answer is not taken", async () => {
    const expired = make({ "/connect": "<p>This code has expired.</p>" });
    expect(await expired.person.answerBoard(shown, "allow", never)).toEqual({
      kind: "refused",
      reason: "This code has expired.",
    });
    const broken = make({ "/connect": choice }, "Lost");
    expect(await broken.person.answerBoard(shown, "allow", never)).toEqual({
      kind: "refused",
      reason: "404: Lost",
    });
  });

  test("notices when a sign-in does not lead back to the app", async () => {
    const { person } = make({ "/authorize": "<p>Unknown app</p>" });
    await expect(
      person.signInTo("http://org.example/authorize", "http://127.0.0.1/callback", never),
    ).rejects.toThrow("Unknown app");
  });
});
