import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { openSimulation, type Simulation } from "../../src/cli/sim-run.ts";

/** Debian's Chromium, or another by $CHROMIUM. */
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long anything on the screen may take, in milliseconds. */
const PATIENCE_MS = 15_000;

export type Who = "Ada Okafor" | "Ben Lindqvist";

/** The simulated world with the real agent in it, and a real browser in front of it. */
export interface Stage extends AsyncDisposable {
  readonly simulation: Simulation;
  readonly world: Simulation["world"];
  /** The app's address. */
  readonly app: string;
  /** A phone of its own: nothing is shared with other phones but the world. */
  phone(options?: Parameters<Browser["newContext"]>[0]): Promise<Phone>;
}

/** A browser of its own, with what went wrong in it. */
export interface Phone {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors and warnings of the console and of scripts: violations of the page's policy are among them. */
  readonly complaints: readonly string[];
}

export const openStage = async (
  options: {
    readonly camera?: string;
    readonly userAgentFlow?: boolean;
    /** Of the board, that differ from the simulator's. */
    readonly settings?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<Stage> => {
  await using opening = new AsyncDisposableStack();
  const { camera, userAgentFlow = false, settings = {} } = options;
  const simulation = opening.use(
    await openSimulation({
      stateDir: null,
      pagePort: 0,
      intervalSeconds: 1,
      userAgentFlow,
      journal: null,
      settings,
    }),
  );
  const withCamera =
    camera === undefined
      ? []
      : [
          "--use-fake-ui-for-media-stream",
          "--use-fake-device-for-media-stream",
          `--use-file-for-fake-video-capture=${camera}`,
        ];
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: [...args, ...withCamera] });
  opening.defer(() => browser.close());
  const owned = opening.move();
  const app = new URL("/app/", simulation.pageUrl ?? "").href;
  return {
    simulation,
    world: simulation.world,
    app,
    async phone(options = {}) {
      const context = await browser.newContext({
        viewport: { width: 390, height: 844 },
        locale: "en-GB",
        ...options,
      });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("pageerror", ({ message }) => complaints.push(message));
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
      });
      return { context, page, complaints };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

const chromiumPath = (): string => {
  if (existsSync(executablePath)) return executablePath;
  throw new Error(`there is no ${executablePath}: apt-get install chromium, or set $CHROMIUM`);
};

/** A browser that remembers on disk, as people have it: others count as private ones, where nothing can be installed. */
export const openOwnBrowser = async () => {
  const folder = await mkdtemp(join(tmpdir(), "porchlight-browser-"));
  const context = await chromium.launchPersistentContext(folder, { executablePath: chromiumPath(), args });
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

/** The org's own pages: signs in where asked, and allows. Stays on whatever page comes then. */
export const allowAtOrg = async (page: Page, who: Who): Promise<void> => {
  const login = page.getByRole("button", { name: "Sign in" });
  const allow = page.getByRole("button", { name: /^allow/i });
  await login.or(allow).first().waitFor();
  if (await login.isVisible()) {
    await page.getByLabel("Person").selectOption(who);
    await login.click();
  }
  await allow.click();
};

/** From the welcome to the list of lamps. */
export const signIn = async ({ page }: Phone, app: string, who: Who = "Ada Okafor"): Promise<void> => {
  await page.goto(app);
  await page.getByRole("button", { name: "Sign in" }).click();
  await allowAtOrg(page, who);
  await page.getByRole("link", { name: new RegExp(who) }).waitFor();
};

/** The code on the board's display, once there is one. */
export const codeOf = async ({
  world,
}: Stage): Promise<{ readonly userCode: string; readonly link: string }> => {
  for (;;) {
    const code = world.board.view?.code;
    if (code?.kind === "code") return { userCode: code.userCode, link: code.verificationUriComplete };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Adds the board by what its display says, and waits for its lamps. */
export const addLamp = async (
  stage: Stage,
  { page, context }: Phone,
  who: Who = "Ada Okafor",
): Promise<void> => {
  const { link, userCode } = await codeOf(stage);
  await page.getByRole("main").getByRole("link", { name: "Add a lamp" }).click();
  await page.getByLabel("Link or code").fill(link);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText(userCode, { exact: true }).waitFor();
  const opened = context.waitForEvent("page");
  await page.getByRole("link", { name: /It is the same/ }).click();
  const org = await opened;
  await org.getByRole("button").first().click();
  await allowAtOrg(org, who);
  await org.waitForURL(/\/setup\/connected/);
  await org.close();
  await page.getByRole("switch").first().waitFor();
};

/** Waits until something holds; throws when it does not within the time that anything may take. */
export const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  const end = performance.now() + PATIENCE_MS;
  while (!(await what())) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
