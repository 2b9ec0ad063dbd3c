import type { Actor } from "./actor-token.ts";
import type { OrgContext } from "./context.ts";
import { recordTime } from "./grants.ts";
import { recordId, sameRecord } from "./ids.ts";
import { Refusal } from "./messages.ts";
import { type AssetRecord, type OrgUser, unwritten } from "./store.ts";

/** A new record. */
export const addAsset = (org: OrgContext, given: Partial<Omit<AssetRecord, "Id">>): AssetRecord => {
  const now = recordTime(org);
  const asset: AssetRecord = {
    Id: recordId("02i", org.store.nextNumber++),
    Name: "Lamp",
    SerialNumber: null,
    AccountId: null,
    ContactId: null,
    Product2Id: null,
    Status: null,
    Description: null,
    Latitude: null,
    Longitude: null,
    CreatedDate: now,
    LastModifiedDate: now,
    ...unwritten,
    ...given,
  };
  org.store.assets.push(asset);
  org.changed({ kind: "asset", id: asset.Id });
  return asset;
};

/**
 * The Asset record of the board: by the `Id` it names, else by its serial number, else by its name among the records of
 * the same person that have no serial number, else a new one. Undefined when the token says nothing about an asset.
 * Throws `invalid_grant` for an id that does not exist.
 */
export const linkAsset = (org: OrgContext, actor: Actor, user: OrgUser): AssetRecord | undefined => {
  const { assets } = org.store;
  const { id, serialnumber, name } = actor.asset;
  if (id !== undefined) {
    const known = assets.find((each) => sameRecord(each.Id, id));
    if (known === undefined)
      throw new Refusal(
        "invalid_grant",
        "asset not found",
        "The board names an Asset record that does not exist.",
      );
    return known;
  }
  if (serialnumber === undefined && name === undefined) return undefined;
  const known = assets.find((each) =>
    serialnumber === undefined
      ? each.SerialNumber === null && each.Name === name && each.ContactId === user.contactId
      : each.SerialNumber === serialnumber,
  );
  if (known !== undefined) return known;
  return addAsset(org, {
    Name: name ?? actor.name ?? actor.deviceId,
    SerialNumber: serialnumber ?? null,
    AccountId: actor.asset.accountid ?? null,
    ContactId: actor.asset.contactid ?? user.contactId,
    Product2Id: actor.asset.product2id ?? null,
    Status: "Registered",
  });
};
