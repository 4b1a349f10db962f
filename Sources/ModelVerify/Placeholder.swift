// ModelVerify
