import { after } from "../../src/units.ts";
import { type OrgContext, orgNow } from "./context.ts";
import { recordTime } from "./grants.ts";
import { QueryError, type RecordFields } from "./soql.ts";
import { type Approval, type AssetRecord, fullName, type OrgUser, unwritten } from "./store.ts";

// The records of the org, as queries see them.

const userRecord = (user: OrgUser): RecordFields => ({
  Id: user.id,
  Username: user.username,
  Name: `${user.firstName} ${user.lastName}`,
  FirstName: user.firstName,
  LastName: user.lastName,
  Email: user.email,
  Street: user.home.street,
  City: user.home.city,
  State: user.home.state,
  PostalCode: user.home.postalCode,
  Country: user.home.country,
  Latitude: user.home.latitude,
  Longitude: user.home.longitude,
  TimeZoneSidKey: user.home.timeZone,
  ContactId: user.contactId,
  AccountId: user.accountId,
  IsActive: true,
});

const contactRecord = (user: OrgUser): RecordFields => ({
  Id: user.contactId,
  Name: `${user.firstName} ${user.lastName}`,
  FirstName: user.firstName,
  LastName: user.lastName,
  Email: user.email,
  AccountId: user.accountId,
  MailingStreet: user.home.street,
  MailingCity: user.home.city,
  MailingState: user.home.state,
  MailingPostalCode: user.home.postalCode,
  MailingCountry: user.home.country,
  MailingLatitude: user.home.latitude,
  MailingLongitude: user.home.longitude,
  MailingGeocodeAccuracy: user.home.latitude === null ? null : "Address",
});

/** The account of a person, which carries what a contact does under names of its own. */
const accountRecord = (user: OrgUser): RecordFields => ({
  Id: user.accountId,
  Name: fullName(user),
  IsPersonAccount: true,
  PersonContactId: user.contactId,
  PersonMailingCity: user.home.city,
  PersonMailingCountry: user.home.country,
  PersonMailingLatitude: user.home.latitude,
  PersonMailingLongitude: user.home.longitude,
});

export const CUSTOM = Object.keys(unwritten) as readonly (keyof typeof unwritten)[];

const ASSET_FIELDS = [
  "Id",
  "Name",
  "SerialNumber",
  "AccountId",
  "ContactId",
  "Product2Id",
  "Status",
  "Description",
  "Latitude",
  "Longitude",
  "CreatedDate",
  "LastModifiedDate",
  ...CUSTOM,
] as const satisfies readonly (keyof AssetRecord)[];

/** Fields of other records that an Asset leads to. */
const ASSET_PATHS = ["Contact.Name", "Account.Name"];

const TOKEN_FIELDS = [
  "Id",
  "AccessToken",
  "AppMenuItemId",
  "AppName",
  "CreatedDate",
  "DeleteToken",
  "LastUsedDate",
  "RequestToken",
  "UseCount",
  "UserId",
] as const;

/** An approval as the object reference describes OauthToken. The id is always null; tokens are never told here. */
const tokenRecord = (org: OrgContext, approval: Approval): RecordFields => {
  const app = org.store.apps.find((each) => each.clientId === approval.clientId);
  return {
    Id: null,
    AccessToken: null,
    AppMenuItemId: app === undefined ? null : app.id.replace(/^0xI/, "0DS"),
    AppName: app?.name ?? null,
    CreatedDate: recordTime(org, approval.approvedAt),
    DeleteToken: null,
    LastUsedDate: recordTime(org, after(orgNow(org), approval.refreshUsedAt - org.clock.mono())),
    RequestToken: null,
    UseCount: approval.uses,
    UserId: approval.userId,
  };
};

/** A kind of records. */
export interface Entity {
  readonly name: string;
  /** It has no records that could be asked for by their id. */
  readonly queryOnly?: true;
  readonly fields: readonly string[];
  readonly records: readonly RecordFields[];
}

/** The kinds of records there are, as far as `user` may see them. Throws INVALID_TYPE. */
export const entityOf = (org: OrgContext, name: string, user: OrgUser): Entity => {
  const entity = wholeEntity(org, name, user);
  const { hidden } = org.faults;
  if (hidden.includes(entity.name)) throw unknownType(name);
  const isSeen = (field: string): boolean =>
    !hidden.includes(`${entity.name}.${field}`) && !hidden.includes(field.split(".")[0] ?? "");
  return { ...entity, fields: entity.fields.filter((field) => isSeen(field) && !hidden.includes(field)) };
};

const unknownType = (name: string): QueryError =>
  new QueryError("INVALID_TYPE", `sObject type '${name}' is not supported.`);

export const wholeEntity = (org: OrgContext, name: string, user: OrgUser): Entity => {
  const { users, assets, approvals } = org.store;
  const of = (own: string, records: readonly RecordFields[]): Entity => ({
    name: own,
    fields: Object.keys(records[0] ?? {}),
    records,
  });
  switch (name.toLowerCase()) {
    case "user":
      return of("User", users.map(userRecord));
    case "contact":
      return of("Contact", users.map(contactRecord));
    case "account":
      return of("Account", users.map(accountRecord));
    case "asset":
      return {
        name: "Asset",
        fields: [...ASSET_FIELDS, ...ASSET_PATHS],
        records: assets.map((asset) => {
          const contact = users.find(({ contactId }) => contactId === asset.ContactId);
          return {
            ...asset,
            "Contact.Name": contact === undefined ? null : fullName(contact),
            "Account.Name": null,
          };
        }),
      };
    case "oauthtoken":
      // Nobody here may customize the app, so everybody sees their own tokens only.
      return {
        name: "OauthToken",
        queryOnly: true,
        fields: TOKEN_FIELDS,
        records: [...approvals.values()]
          .filter(({ userId }) => userId === user.id)
          .map((approval) => tokenRecord(org, approval)),
      };
    default:
      throw unknownType(name);
  }
};

/** What kind of field it is, as far as the records tell. */
export const fieldType = (name: string): string => {
  if (/Date$|LastSeen|Expires/.test(name)) return "datetime";
  if (name === "Porchlight_Online__c") return "boolean";
  return /Id$/.test(name) ? (name === "Id" ? "id" : "reference") : "string";
};
