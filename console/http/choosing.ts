import { assertTold, parseChoice } from "#shared/filter/choose-devices";
import { lookUpIn, type DeviceValues } from "#shared/filter/filter-values";
import type { Device } from "../devices/device.ts";

/**
 * @param where in the filter language; nothing, or blank, means all
 * @param devices the fleet, of which `reaches` says what is within somebody's reach
 * @returns undefined for all
 * @throws BadInputError that points at what does not read, or that no device in reach tells
 */
export type ChooseDevices = (
  where: string | undefined,
  devices: () => Iterable<Device>,
  reaches: ((id: string) => boolean) | undefined,
) => ((device: Device) => boolean) | undefined;

/** @param values what a device tells that it can be chosen by */
export function chooser(values: (device: Device) => DeviceValues): ChooseDevices {
  return (where, devices, reaches) => {
    if (where === undefined || where.trim() === "") return undefined;
    const choice = parseChoice(where);
    assertTold(choice, function* () {
      for (const device of devices()) if (reaches?.(device.id) ?? true) yield values(device);
    });
    return (device) => choice.fits(lookUpIn(values(device)));
  };
}
