// What the emulated boards have besides what QEMU gives them: lights, PWM and a panel, as a maker's device tree would say.

/** Addresses of the virt board's registers and of what its tree adds in reserved memory. */
export const virtRegisters = {
  /** PL061: data of all eight lines, and their directions (ARM DDI 0190B, 3.2). */
  gpioData: 0x090303fc,
  gpioDirection: 0x09030400,
  /** bcm2835-pwm: period and duty of channel 0, in clock ticks (BCM2835 peripherals, chapter 9). */
  pwmControl: 0x5f000000,
  pwmPeriod: 0x5f000010,
  pwmDuty: 0x5f000014,
  pwmPeriod2: 0x5f000020,
  pwmDuty2: 0x5f000024,
  whitePeriod: 0x5f001010,
  whiteDuty: 0x5f001014,
  blueDuty: 0x5f001024,
  redDuty: 0x5f002014,
  greenDuty: 0x5f002024,
  panel: 0x5f100000,
} as const;

/** The Raspberry Pi 3's registers. */
export const pi3Registers = {
  /** GPLEV0: levels of lines 0 to 31 (BCM2837 peripherals, 6.1). */
  gpioLevels: 0x3f200034,
  pwmPeriod: 0x3d000010,
  pwmDuty: 0x3d000014,
} as const;

export const panelSize = { width: 320, height: 240 } as const;

/** QEMU's own tree plus these: gpio-leds on lines 0 to 2, names for the others, PWM, and a 16-bit panel. */
export const virtAdditions = (gpio: string, clock: string): string => `
&{/pl061@9030000} { gpio-line-names = "RED", "GREEN", "BLUE", "POWER", "BUTTON", "LAMP", "RELAY", "SPARE"; };
/delete-node/ &{/gpio-keys};
/ {
  reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
    hw@5f000000 { reg = <0 0x5f000000 0 0x1000000>; no-map; }; };
  leds { compatible = "gpio-leds";
    led-red { label = "board:red"; gpios = <${gpio} 0 0>; default-state = "off"; }; };
  pwm0: pwm@5f000000 { compatible = "brcm,bcm2835-pwm"; reg = <0 0x5f000000 0 0x28>; clocks = <${clock}>; #pwm-cells = <3>; };
  pwm1: pwm@5f001000 { compatible = "brcm,bcm2835-pwm"; reg = <0 0x5f001000 0 0x28>; clocks = <${clock}>; #pwm-cells = <3>; };
  pwm2: pwm@5f002000 { compatible = "brcm,bcm2835-pwm"; reg = <0 0x5f002000 0 0x28>; clocks = <${clock}>; #pwm-cells = <3>; };
  colours { compatible = "pwm-leds-multicolor";
    multi-led { color = <9>; function = "porch"; max-brightness = <255>;
      led-red { color = <1>; pwms = <&pwm2 0 1000000 0>; };
      led-green { color = <2>; pwms = <&pwm2 1 1000000 0>; };
      led-blue { color = <3>; pwms = <&pwm1 1 1000000 0>; }; }; };
  pwmleds { compatible = "pwm-leds";
    led-white { label = "board:white"; pwms = <&pwm1 0 1000000 0>; max-brightness = <255>; }; };
  framebuffer@5f100000 { compatible = "simple-framebuffer"; reg = <0 0x5f100000 0 0x25800>;
    width = <${panelSize.width}>; height = <${panelSize.height}>; stride = <${panelSize.width * 2}>; format = "r5g6b5"; };
};
`;

/** Debian's Raspberry Pi 3 B tree without what QEMU does not have, plus a light on GPIO27 and PWM in memory. */
export const pi3Additions = (gpio: string): string => `
/delete-node/ &{/leds/led-act};
/delete-node/ &{/soc/serial@7e201000/bluetooth};
/ {
  leds { led-red { label = "board:red"; gpios = <${gpio} 27 0>; default-state = "off"; }; };
  pwmclock: clock-pwm { compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <10000000>; };
  pwm@3d000000 { compatible = "brcm,bcm2835-pwm"; reg = <0x3d000000 0x28>; clocks = <&pwmclock>; #pwm-cells = <3>; };
  framebuffer@3c100000 { compatible = "simple-framebuffer"; reg = <0x3c100000 0x96000>;
    width = <640>; height = <480>; stride = <1280>; format = "r5g6b5"; };
};
`;
