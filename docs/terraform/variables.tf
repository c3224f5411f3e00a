variable "account_number" {
  type        = string
  description = "The AWS account that the broker runs in."
  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_number))
    error_message = "Twelve digits."
  }
}

variable "external_id" {
  type        = string
  description = "Proves that the broker acts for this very account."
  sensitive   = true
  validation {
    condition     = can(regex("^[0-9A-Za-z]{20,128}$", var.external_id))
    error_message = "20 to 128 letters and digits."
  }
}

variable "issuer_host" {
  type        = string
  description = "Host of the broker's OpenID Connect issuers."
  validation {
    condition     = can(regex("^[A-Za-z0-9.:-]+$", var.issuer_host))
    error_message = "A host, without a scheme or a path."
  }
}

variable "name_prefix" {
  type        = string
  description = "What the names of all roles begin with."
  default     = "Acme"
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9]{0,19}$", var.name_prefix))
    error_message = "1 to 20 letters and digits, beginning with a letter."
  }
}

variable "service_token" {
  type        = string
  description = "The topic, in the provider's Region, through which the broker learns that the module was applied, changed or destroyed. Empty to tell it nothing."
  default     = ""
  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$", var.service_token))
    error_message = "The ARN of an SNS topic."
  }
}

variable "payer_account" {
  type        = bool
  description = "Whether this account pays for an organisation, so that its bills and its members are read too."
  default     = false
}
